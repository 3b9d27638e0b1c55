"""Many runs at once, and other sessions' locks: rlops names who is in the way, and never holds the shop up for long."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import truth
from conftest import ShopDatabase, fill_shop
from proxy import PATIENCE, Proxy
from sessions import Holder, answer, begin, ours, readers, stopped, until
from truth import TABLES

from rlops import lease

__all__ = ["ours"]

READ_USERS = "SELECT COUNT(*) AS n FROM users"
INTERACTIONS = TABLES[0]


@pytest.fixture
def filled(ours):
    ours.install()
    truth.fill(ours, *(f"2020-01-01 00:00:{n:02}" for n in range(40)))
    return ours


def rolling_back(database, *options):
    return ("rollback", "--confirm", database.name, *options)


def whole(database, kept):
    """Whether every row is in its table or in one backup of it."""
    names = truth.tables(database)
    found = {
        table: [name for name in names if name == table or name.startswith(f"{table}__backup_")] for table in TABLES
    }
    return all(len(found[table]) == 1 and truth.rows(database, found[table][0]) == kept[table] for table in TABLES)


@pytest.mark.parametrize("runs", [2, 4, 8])
def test_parallel_migrates_make_one_set_of_tables(ours, runs):
    processes = [begin(ours, "migrate") for _ in range(runs)]
    answers = [answer(process) for process in processes]
    codes = sorted(each["exit_code"] for each in answers)
    assert codes[0] == 0
    assert set(codes) <= {0, 6}, [each["error"] for each in answers]
    for each in answers:
        if each["exit_code"] == 6:
            message = each["error"]["message"]
            assert "another rlops run" in message
            assert "rlops migrate" in message or "connection" in message or "starting" in message, message
    ours.cli("migrate", "--check")
    steps = ours.query("SELECT name, COUNT(*) AS n FROM rlops_step WHERE status = 'done' GROUP BY name")
    made = {row["name"]: row["n"] for row in steps if row["name"].startswith("create ")}
    assert made == {f"create {table}": 1 for table in TABLES}
    assert {row["status"] for row in ours.query("SELECT status FROM rlops_run")} <= {"ok", "blocked"}


def names_the_holder(message: str, holder: Holder, statement: str) -> bool:
    return all(part in message for part in (f"connection {holder.id} ", "root@", statement))


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_migrate_behind_a_reader_of_users(ours, busy, record_property):
    """On MySQL a new foreign key waits for every transaction that has read the parent, and then readers wait for it."""
    holder = Holder(ours, "SELECT id FROM users WHERE id = 1", busy=busy)
    if not busy:
        until(lambda: idle_for(ours, holder) >= 1, "the holder has been idle for a second")
    with readers(ours, READ_USERS) as seen:
        stopped = answer(begin(ours, "migrate", "--retry-for", "3"))
    holder.end()
    record_property("longest stall of a reader, seconds", round(seen.longest, 2))
    assert seen.errors == []
    assert seen.count
    if ours.server.family == "mysql":
        # A busy one isn't taken for a blocker, so that rlops' own facts are recorded before the first DDL fails.
        assert stopped["exit_code"] in ((1, 6) if busy else (6,)), stopped
        assert busy or names_the_holder(stopped["error"]["message"], holder, "FROM users"), stopped["error"]
        assert not set(TABLES) & truth.tables(ours)
    else:
        assert stopped["exit_code"] == 0, stopped
    ours.cli("migrate")
    assert set(TABLES) <= truth.tables(ours)


def idle_for(database, holder):
    return int(database.query("SELECT time FROM information_schema.PROCESSLIST WHERE id = %s", (holder.id,))[0]["time"])


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_rollback_behind_a_reader_of_the_interactions(filled, busy, record_property):
    kept = {table: truth.rows(filled, table) for table in TABLES}
    holder = Holder(filled, f"SELECT id FROM {INTERACTIONS} LIMIT 1", busy=busy)
    if not busy:
        until(lambda: idle_for(filled, holder) >= 1, "the holder has been idle for a second")
    own = f"SELECT COUNT(*) AS n FROM {INTERACTIONS}"
    with readers(filled, READ_USERS) as seen, readers(filled, own) as of_ours:
        stopped = answer(begin(filled, *rolling_back(filled), "--retry-for", "3"))
    holder.end()
    record_property("longest stall of a reader of users, seconds", round(seen.longest, 2))
    record_property("and of the interactions", round(of_ours.longest, 2))
    assert seen.errors == of_ours.errors == []
    assert stopped["exit_code"] == 6, stopped["error"]
    assert busy or f"connection {holder.id} " in stopped["error"]["message"]
    assert whole(filled, kept)
    assert set(TABLES) <= truth.tables(filled)
    filled.cli(*rolling_back(filled))
    assert whole(filled, kept)
    assert not set(TABLES) & truth.tables(filled)


@pytest.mark.parametrize(
    "lock", ["LOCK INSTANCE FOR BACKUP", "FLUSH TABLES WITH READ LOCK", "BACKUP STAGE START, BLOCK_DDL"]
)
def test_a_lock_on_the_whole_server(ours, lock):
    if (lock.startswith("LOCK") and ours.server.family != "mysql") or (
        lock.startswith("BACKUP") and ours.server.family != "mariadb"
    ):
        pytest.skip("the other engine's")
    first, _, second = lock.partition(", ")
    holder = Holder(ours, first, *([f"BACKUP STAGE {second}"] if second else []))
    until(lambda: idle_for(ours, holder) >= 1, "the holder has been idle for a second")
    before = truth.tables(ours)
    try:
        stopped = answer(begin(ours, "migrate", "--retry-for", "2"))
        after = truth.tables(ours)
    finally:
        holder.end()
    assert stopped["exit_code"] == 6, stopped["error"]
    assert after == before
    if ours.server.family == "mysql":
        assert names_the_holder(stopped["error"]["message"], holder, first), stopped["error"]
    ours.cli("migrate")
    assert set(TABLES) <= truth.tables(ours)


def waits_for_a_lock(database):
    sql = (
        "SELECT id FROM information_schema.PROCESSLIST WHERE db = %s AND state LIKE 'Waiting for table metadata lock%%'"
    )
    return database.query(sql, (database.name,))


def test_killed_while_its_ddl_waits_in_the_server(filled):
    """MySQL keeps the dead client's RENAME in its queue, and carries it out when nobody expects it any more."""
    kept = {table: truth.rows(filled, table) for table in TABLES}
    holder = Holder(filled, f"SELECT id FROM {INTERACTIONS} LIMIT 1", busy=True)
    with begin(filled, *rolling_back(filled), "--lock-wait", "120") as victim:
        until(lambda: waits_for_a_lock(filled), "the RENAME waits")
        victim.kill()
    if filled.server.family == "mariadb":
        until(lambda: not waits_for_a_lock(filled), "the server gives up the dead client's statement")
    stopped = answer(begin(filled, *rolling_back(filled), "--retry-for", "2"))
    assert stopped["exit_code"] in (1, 6), stopped  # 1 where the reading itself queues behind the RENAME
    assert "lock" in stopped["error"]["message"].lower()
    assert set(TABLES) <= truth.tables(filled)
    holder.end()
    until(lambda: not waits_for_a_lock(filled), "the dead client's statement ends")
    finished = answer(begin(filled, *rolling_back(filled)))
    assert finished["exit_code"] == 0, finished
    assert whole(filled, kept)
    backups = [name for name in truth.tables(filled) if "__backup_" in name]
    assert len(backups) == 3
    assert not [name for name in backups if "FOREIGN KEY" in truth.definition(filled, name)]
    settled = filled.query("SELECT status FROM rlops_step WHERE file = 'rollback/010_rename' ORDER BY id")
    done_by_the_dead = filled.server.family == "mysql"
    assert [row["status"] for row in settled][:1] == (["done"] if done_by_the_dead else ["undone"])


def test_the_run_lock_is_free_after_a_kill(filled):
    holder = Holder(filled, f"SELECT id FROM {INTERACTIONS} LIMIT 1 FOR UPDATE")
    with begin(filled, "cleanup", "--months", "12", "--yes") as victim:
        assert any("lock" in line for line in victim.stderr)
        refused = answer(begin(filled, "cleanup", "--months", "12", "--yes"))
        victim.kill()
    assert refused["exit_code"] == 6
    assert f"pid {victim.pid}" in refused["error"]["message"], refused
    holder.end()
    done = answer(begin(filled, "cleanup", "--months", "12", "--yes"))
    assert done["exit_code"] == 0, done
    assert truth.count(filled, INTERACTIONS) == 0
    assert {row["status"] for row in filled.query("SELECT status FROM rlops_run")} == {"ok", "died"}


def test_two_spellings_of_a_schema_are_one_where_the_server_folds_names(ours, start_server, tmp_path):
    shop = ShopDatabase(start_server(ours.server.label, "--lower-case-table-names=1"), "shopdb", tmp_path)
    fill_shop(shop)
    shop.install()
    truth.fill(shop, "2020-01-01 00:00:00")
    first = stopped(replace(shop, name="ShopDB"), "rlops.journal:Journal.intent", 2, "rollback", "--yes")
    before = truth.tables(shop)
    refused = shop.cli("rollback", "--yes", "--output", "json", "--retry-for", "0", check=6).json
    assert (refused["error"]["code"], truth.tables(shop)) == ("run_lock", before)
    first.send_signal(signal.SIGCONT)
    assert answer(first)["exit_code"] == 0
    shop.cli("migrate", "--fresh", "--yes")
    tenants = "CREATE TABLE tenants (id BIGINT PRIMARY KEY)"
    child = (
        "ALTER TABLE users ADD COLUMN tenant BIGINT, ADD FOREIGN KEY (tenant) REFERENCES tenants (id) ON DELETE CASCADE"
    )
    truth.execute(shop, tenants, child)
    for spelled in ("shopdb", "ShopDB"):
        refused = replace(shop, name=spelled).cli("partition", "enable", "--output", "json", check=5).json["error"]
        assert refused["code"] == "cascading_parent"


def test_sigterm_in_mid_run_says_where_things_stand(filled):
    holder = Holder(filled, f"SELECT id FROM {INTERACTIONS} LIMIT 1 FOR UPDATE")
    process = begin(filled, "cleanup", "--months", "12", "--yes")
    assert any("lock" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    said = answer(process)
    assert time.monotonic() - began < 30
    holder.end()
    assert (process.returncode, said["exit_code"], said["status"]) == (130, 130, "interrupted")
    assert "step 2 of 2" in said["error"]["message"]
    assert "Applied: 1" in said["error"]["message"]
    assert said["data"]["deleted_rows"] == 0
    assert truth.count(filled, INTERACTIONS) == 40
    assert [row["status"] for row in filled.query("SELECT status FROM rlops_run WHERE command = 'cleanup'")] == [
        "interrupted"
    ]


def test_sigterm_while_it_waits_for_a_reader_changes_nothing(filled):
    before = truth.tables(filled)
    holder = Holder(filled, f"SELECT id FROM {INTERACTIONS} LIMIT 1", busy=True)
    process = begin(filled, *rolling_back(filled))
    assert any("lock" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    said = answer(process)
    holder.end()
    assert said["exit_code"] == 130, said
    assert truth.tables(filled) == before


def test_a_row_that_comes_before_a_month_is_dropped_stays(ours):
    """A writer's open transaction has put a row into a month that was empty for everybody else."""
    ours.install()
    truth.fill(ours, "2020-01-01 00:00:00", "2020-02-01 00:00:00")
    ours.cli("partition", "enable", "--offline")
    truth.execute(ours, f"DELETE FROM {INTERACTIONS}")
    late = f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, timestamp) VALUES (1, 1, 'VIEW', '2020-01-05')"
    holder = Holder(ours, late, busy=True)
    cold = str(ours.home / "cold")
    waiting = begin(ours, "partition", "expire", "--months", "12", "--retry-for", "60", "--to", cold)
    assert any("lock" in line for line in waiting.stderr)
    holder.end(commit=True)
    said = answer(waiting)
    assert said["exit_code"] == 3, said
    assert said["data"]["dropped_partitions"] == []
    assert truth.count(ours, INTERACTIONS) == 1


@pytest.fixture
def unnoted(database):
    """A migrate of two tables that stands still before it notes the first, and a session that holds what it is to write."""
    database.install()
    truth.execute(database, *(f"DROP TABLE {table}" for table in TABLES[1:]))
    runs = []

    def begun(*options):
        runs.append(stopped(database, "rlops.run:_Run._noted", 1, "migrate", *options))
        table = lease.TABLE if database.server.family == "oceanbase" else "rlops_step"
        holder = Holder(database, f"SELECT * FROM {table} FOR UPDATE")
        runs[-1].send_signal(signal.SIGCONT)
        return runs[-1], holder

    yield begun
    for process in runs:
        process.kill()


def test_a_step_that_is_applied_is_noted_once_the_lock_is_gone(database, unnoted):
    process, holder = unnoted()
    assert any("lock" in line for line in process.stderr)
    holder.end()
    done = answer(process)
    assert (done["exit_code"], {step["status"] for step in done["steps"]}) == (0, {"done"}), done["error"]
    assert {row["status"] for row in database.query("SELECT status FROM rlops_step")} == {"done"}


def test_a_step_that_is_applied_is_never_called_failed(database, unnoted):
    process, holder = unnoted("--retry-for", "1")
    ended = answer(process)
    assert ended["exit_code"] == 1
    assert [step["status"] for step in ended["steps"]] == ["done", "untouched"]
    assert "is applied, but could not be noted" in ended["error"]["message"], ended["error"]
    assert "Applied: 1. Untouched: 2." in ended["error"]["message"]
    holder.end()
    database.cli("migrate")
    assert set(TABLES) <= truth.tables(database)
    assert {row["status"] for row in database.query("SELECT status FROM rlops_step")} == {"done"}


def test_a_second_signal_ends_the_wait_for_an_answer(ours):
    ours.install()
    truth.execute(ours, f"DROP TABLE {TABLES[2]}")
    asked, over = threading.Event(), threading.Event()

    def never_answered(statement):
        if statement.startswith("CREATE TABLE") and TABLES[2] in statement:
            asked.set()
            over.wait(PATIENCE)

    with Proxy(ours.server.port, ahead=never_answered) as proxy:
        through = ("--url", f"mysql://root@127.0.0.1:{proxy.port}/{ours.name}", "--ssl-mode", "DISABLED")
        process = begin(SimpleNamespace(home=ours.home, options=through), "migrate")
        assert asked.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):  # the statement is finished first
            process.wait(1)
        process.send_signal(signal.SIGTERM)
        ended = answer(process)
        over.set()
    assert (ended["exit_code"], ended["steps"][-1]["status"]) == (1, "unknown"), ended["error"]
    assert "has an unknown outcome" in ended["error"]["message"]
    assert "a second signal ended the wait" in ended["error"]["message"]
    assert "type the same command" in ended["error"]["hint"]
    ours.cli("migrate", "--retry-for", "30")
    assert set(TABLES) <= truth.tables(ours)
