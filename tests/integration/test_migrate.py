"""rlops migrate on real servers: creates what is missing, refuses what differs, and never touches anything else."""

from __future__ import annotations

import threading
import uuid

import pymysql
import pytest
import truth
from conftest import ShopDatabase, fill_shop, run_cli
from truth import TABLES

OWN = {"rlops_state", "rlops_backup", "rlops_run", "rlops_step", "rlops_job", "rlops_part", "rlops_snapshot"}


def created(database):
    return truth.tables(database) - {"users", "product", "rlops_lease"}


def test_creates_the_three_tables_and_a_second_run_does_nothing(database):
    first = database.cli("migrate", "--output", "json").json
    assert first["status"] == "ok"
    assert first["data"]["created"] == list(TABLES)
    assert created(database) == {*TABLES, *OWN}
    assert [table["rows"] for table in first["data"]["tables"]] == [0, 0, 0]
    before = truth.snapshot(database)
    second = database.cli("migrate", "--output", "json").json
    assert second["steps"] == []
    assert truth.snapshot(database) == before
    database.cli("migrate", "--check")


def test_check_says_that_something_is_pending_and_writes_nothing(database):
    before = truth.snapshot(database)
    answer = database.cli("migrate", "--check", "--output", "json", check=3).json
    assert answer["status"] == "findings"
    assert truth.snapshot(database) == before


def test_dry_run_shows_the_sql_and_writes_nothing(database):
    before = truth.snapshot(database)
    shown = database.cli("migrate", "--dry-run")
    assert "CREATE TABLE `user_product_interactions`" in shown.stdout
    assert "nothing was written" in shown.stdout
    assert truth.snapshot(database) == before


def test_a_plan_is_written_by_a_dry_run_alone(database):
    """Who forgets --dry-run wants to see a plan, and not to have it run."""
    before = truth.tables(database)
    file = database.home / "plan.sql"
    answer = database.cli("migrate", "--plan-out", str(file), "--output", "json", check=2).json
    assert "--dry-run" in answer["error"]["hint"]
    assert not file.exists()
    assert truth.tables(database) == before


def test_a_plan_made_for_another_schema_is_refused(database, make_database):
    file = database.home / "plan.sql"
    other = make_database('other "schema"' if database.server.family != "oceanbase" else "other schema")
    other.cli("migrate", "--dry-run", "--plan-out", str(file))
    answer = database.cli("migrate", "--plan", str(file), "--output", "json", check=5).json
    assert answer["error"]["code"] == "plan_target"
    assert truth.tables(database) == {"users", "product"}
    other.cli("migrate", "--plan", str(file))


def test_a_plan_of_nothing_to_do_is_run_as_it_is(migrated):
    file = migrated.home / "plan.sql"
    migrated.cli("migrate", "--dry-run", "--plan-out", str(file))
    assert migrated.cli("migrate", "--plan", str(file), "--output", "json").json["steps"] == []


def test_a_plan_names_the_command_that_runs_it(migrated):
    file = migrated.home / "plan.sql"
    truth.fill(migrated, "2024-01-01 00:00:00", "2024-01-01 00:00:00")
    migrated.cli("purge", "--user", "2", "--dry-run", "--plan-out", str(file))
    (said,) = [line for line in file.read_text().splitlines() if line.startswith("-- to run exactly this: ")]
    command = said.partition(": rlops ")[2].removesuffix(", with the same options")
    migrated.cli(*command.split(), "--yes")
    assert truth.count(migrated, "user_product_interactions", "user_id = 2") == 0
    refused = migrated.cli(*command.split(), "--yes", "--output", "json", check=5).json["error"]
    assert "`rlops purge --user 2 --dry-run --plan-out FILE`" in refused["hint"]


def test_untouched_steps_are_shown_as_the_plan_shows_them(database):
    planned = database.cli("migrate", "--dry-run", "--output", "json").json["steps"]
    arguments = ("migrate", "--audit-log", "/dev/full", "--output", "json")
    untouched = database.cli(*arguments, check=1).json["steps"]
    kept = ("name", "file", "needs", "locks", "algorithm")
    assert [[step[key] for key in kept] for step in untouched] == [[step[key] for key in kept] for step in planned]
    assert [step["status"] for step in untouched] == ["untouched"] * len(planned)
    assert not [step["sql"] for step in untouched if "%(" in step["sql"]]


def test_creates_only_what_is_missing(database):
    database.cli("migrate")
    truth.fill(database, "2026-01-01 00:00:00", "2026-02-01 00:00:00")
    truth.execute(database, "DROP TABLE rl_model_metadata")
    kept = truth.rows(database, TABLES[0])
    answer = database.cli("migrate", "--output", "json").json
    assert answer["data"]["created"] == ["rl_model_metadata"]
    assert truth.rows(database, TABLES[0]) == kept


def test_adopts_tables_that_are_as_declared(database):
    database.cli("migrate")
    truth.fill(database, "2026-01-01 00:00:00")
    truth.execute(
        database,
        "DROP TABLE rlops_state",
        "DROP TABLE rlops_run",
        "DROP TABLE rlops_step",
        "DROP TABLE rlops_job",
        "DROP TABLE rlops_part",
    )
    before = {table: (truth.definition(database, table), truth.rows(database, table)) for table in TABLES}
    answer = database.cli("migrate", "--output", "json").json
    assert answer["data"]["created"] == []
    assert {table: (truth.definition(database, table), truth.rows(database, table)) for table in TABLES} == before


def test_a_table_that_differs_is_refused_and_nothing_is_created(database):
    truth.execute(database, "CREATE TABLE rl_model_metadata (id INT PRIMARY KEY)")
    before = truth.snapshot(database)
    answer = database.cli("migrate", "--output", "json", check=5).json
    assert answer["error"]["code"] == "differs"
    assert {finding["object"].split(".")[0] for finding in answer["data"]["findings"]} == {"rl_model_metadata"}
    assert truth.snapshot(database) == before


def test_a_trigger_that_nobody_declared_is_refused_where_it_can_be_seen(database):
    """verify calls it a difference, so migrate doesn't call the table as declared."""
    database.cli("migrate")
    if database.server.family == "mysql":
        truth.execute(database, "SET GLOBAL log_bin_trust_function_creators = 1")
    truth.execute(database, f"CREATE TRIGGER spy AFTER INSERT ON {TABLES[1]} FOR EACH ROW SET @seen = 1")
    answer = database.cli("migrate", "--output", "json", check=5).json
    assert answer["error"]["code"] == "differs"
    (finding,) = answer["data"]["findings"]
    assert (finding["check"], finding["object"]) == ("trigger", f"{TABLES[1]}.spy")
    truth.execute(database, finding["hint"])
    database.cli("migrate")


def test_a_view_of_that_name_is_refused(database):
    truth.execute(database, "CREATE VIEW rl_model_metadata AS SELECT id FROM users")
    answer = database.cli("migrate", "--output", "json", check=5).json
    assert "view" in answer["error"]["message"]
    assert created(database) == {"rl_model_metadata"}


PARENTS = {
    "no_parent": "DROP TABLE product",
    "parent_type:int": "ALTER TABLE product MODIFY id INT NOT NULL AUTO_INCREMENT",
    "parent_type:unsigned": "ALTER TABLE product MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT",
    "parent_engine": "ALTER TABLE product ENGINE=MyISAM",
    "parent_column": "ALTER TABLE product CHANGE id product_id BIGINT NOT NULL AUTO_INCREMENT",
}


@pytest.mark.parametrize("case", PARENTS)
def test_a_parent_that_no_key_can_refer_to_is_refused(database, case):
    if database.server.family == "oceanbase" and case == "parent_engine":
        pytest.skip("OceanBase has one engine and takes ENGINE as a comment")
    truth.execute(database, PARENTS[case])
    before = truth.snapshot(database)
    answer = database.cli("migrate", "--output", "json", check=5).json
    assert answer["error"]["code"] == case.split(":")[0]
    assert truth.snapshot(database) == before


def test_a_parent_whose_key_has_more_columns_is_refused_where_the_server_would(database):
    if database.server.family == "oceanbase":
        pytest.skip("OceanBase refuses to drop and add a primary key in one statement (1235)")
    truth.execute(
        database, "ALTER TABLE product MODIFY name VARCHAR(50) NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (id, name)"
    )
    strict = database.query("SHOW VARIABLES LIKE 'restrict_fk_on_non_standard_key'")
    if not strict or strict[0]["Value"] == "OFF":
        database.cli("migrate")
        return
    before = truth.snapshot(database)
    refused = database.cli("migrate", "--output", "json", check=5).json["error"]
    assert refused["code"] == "parent_index" and "of just `id`" in refused["message"]
    assert truth.snapshot(database) == before


def test_fresh_drops_nothing_that_another_table_refers_to(database):
    database.cli("migrate", "--environment", "development")
    truth.execute(
        database, "CREATE TABLE runs (id BIGINT PRIMARY KEY, model BIGINT, FOREIGN KEY (model) REFERENCES rl_model_metadata (id))"
    )  # fmt: skip
    before = truth.snapshot(database)
    refused = database.cli("migrate", "--fresh", "--yes", "--output", "json", check=5).json["error"]
    assert refused["code"] == "referenced" and "DROP FOREIGN KEY" in refused["hint"]
    assert truth.snapshot(database) == before


def test_fresh_is_for_development_only(database):
    database.cli("migrate", "--environment", "development")
    truth.fill(database, "2026-01-01 00:00:00")
    before = truth.snapshot(database)
    database.cli("migrate", "--fresh", "--yes", "--environment", "production", check=5)
    database.cli("migrate", "--fresh", check=5)  # nobody there to say yes
    assert truth.snapshot(database) == before
    database.cli("migrate", "--fresh", "--yes")
    assert [truth.count(database, table) for table in TABLES] == [0, 0, 0]
    assert database.cli("verify", "--output", "json", check=None).json["data"]["tables"][0]["as_declared"]


def test_what_was_recorded_as_production_stays_so(database):
    database.cli("migrate")
    database.cli("migrate", "--fresh", "--yes", "--environment", "development", check=5)


def test_parallel_runs_end_in_one_set_of_tables(database):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(database.cli("migrate", "--output", "json", check=None)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(answer.returncode for answer in answers)
    assert codes[0] == 0
    assert set(codes) <= {0, 6}, [a.json["error"] for a in answers]
    said = [answer.json["error"]["message"] for answer in answers if answer.returncode == 6]
    assert all("another rlops run" in message for message in said), said
    database.cli("migrate")
    database.cli("verify", check=None)
    assert created(database) == {*TABLES, *OWN}


@pytest.mark.parametrize(
    "name", ["shop with spaces", "shop`tick", 'shop"quote', "shop'quote", "shop%percent%s", "shöp_ümlaut"]
)
def test_odd_schema_names(make_database, name):
    database = make_database(name)
    database.cli("migrate")
    truth.fill(database, "2020-01-01 00:00:00")
    assert database.cli("verify", "--output", "json", check=None).json["data"]["tables"][0]["as_declared"]
    database.cli("cleanup", "--months", "12", "--no-archive", "--confirm", name)
    database.cli("rollback", "--confirm", name)
    database.cli("restore")
    assert truth.count(database, "rl_model_metadata") == 2


def test_a_schema_that_does_not_exist(database):
    options = [*database.options, "--database", "no such schema"]  # the last one counts
    answer = run_cli("migrate", *options, "--output", "json", home=database.home, check=4).json
    assert answer["error"]["code"] == "unknown_database"


def test_a_key_name_that_another_table_has_is_refused_beforehand(database):
    truth.execute(
        database,
        "CREATE TABLE left_over (id BIGINT PRIMARY KEY, user_id BIGINT,"
        " CONSTRAINT fk_user_context_features_user FOREIGN KEY (user_id) REFERENCES users (id))",
    )
    before = truth.snapshot(database)
    answer = database.cli("migrate", "--output", "json", check=5).json
    assert answer["error"]["code"] == "name_taken"
    assert "left_over" in answer["error"]["message"]
    assert truth.snapshot(database) == before


def test_a_group_that_would_take_none_of_the_rows_is_refused(start_server, tmp_path):
    server = start_server(
        "mysql-9.7",
        *("--server-id=1", "--log-bin", "--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--report-host=127.0.0.1"),
        *("--plugin-load-add=group_replication.so", "--group-replication-communication-stack=MYSQL"),
        f"--group-replication-group-name={uuid.uuid4()}", "--group-replication-start-on-boot=OFF",
        "--group-replication-single-primary-mode=OFF", "--group-replication-enforce-update-everywhere-checks=ON",
    )  # fmt: skip
    shop = ShopDatabase(server, "shop", tmp_path)
    with shop.connect(database=None) as connection, connection.cursor() as cursor:
        for statement in (
            f"SET GLOBAL group_replication_local_address = '127.0.0.1:{server.port}'",
            "CHANGE REPLICATION SOURCE TO SOURCE_USER = 'root' FOR CHANNEL 'group_replication_recovery'",
            "SET GLOBAL group_replication_bootstrap_group = ON",
            "START GROUP_REPLICATION",
        ):
            cursor.execute(statement)
    fill_shop(shop)
    truth.execute(
        shop, "CREATE TABLE child (id INT PRIMARY KEY, user_id BIGINT,"
        " FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)",
    )  # fmt: skip
    with pytest.raises(pymysql.err.MySQLError, match="3098"):
        truth.execute(shop, "INSERT INTO child VALUES (1, 1)")
    before = truth.tables(shop)
    refused = shop.cli("migrate", "--output", "json", check=5).json["error"]
    assert refused["code"] == "group_refuses_cascades"
    assert truth.tables(shop) == before
