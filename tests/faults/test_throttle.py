"""Long work waits while a replica lags or is silent and while the server is busy, says why, and goes on after it."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress

import pymysql
import pytest
import replication
import truth
from conftest import ShopDatabase, fill_shop, own_server, run_cli
from integration.test_archive import policy
from sessions import Holder, answer, begin, connect, ours, until
from truth import TABLES

from rlops import sqlfiles
from rlops.sandbox.server import RunningServer
from rlops.throttle import connected_replicas, history_list, redo_log, threads_running

__all__ = ["ours"]

INTERACTIONS = TABLES[0]
OLD = 1500
CLEANUP = ("cleanup", "--months", "12", "--yes", "--no-archive")


def fill(database):
    stamps = (f"2020-01-01 00:00:{n % 60:02}" for n in range(OLD))
    truth.fill(database, *stamps, "2099-01-01 00:00:00", models=0, features=0)


@pytest.fixture
def filled(ours):
    ours.install()
    fill(ours)
    return ours


@pytest.fixture(scope="module")
def pair(request, server, tmp_path_factory) -> Iterator[tuple[RunningServer, RunningServer]]:
    """A primary and its replica."""
    if not isinstance(server, RunningServer) or server.port is None:
        pytest.skip("wants MySQL or MariaDB of ours")
    made = [
        own_server(request.config, server.label, tmp_path_factory.mktemp("pair"), "--log-bin", f"--server-id={n}")
        for n in (1, 2)
    ]
    with made[0] as primary, made[1] as replica:
        replication.replicate(primary, replica)
        yield primary, replica


@pytest.fixture
def replicated(pair, tmp_path) -> Iterator[ShopDatabase]:
    """A shop on the primary, its replica at hand as `--replica`."""
    primary, replica = pair
    database = ShopDatabase(primary, f"t_{uuid.uuid4().hex[:12]}", tmp_path)
    fill_shop(database)
    database.install()
    fill(database)
    yield database
    if not replica.alive():
        replica.restart()
    replication.go_on(replica)
    until(lambda: replication.following(replica), "the replica follows again")


def url(replica) -> str:
    return f"mysql://127.0.0.1:{replica.port}"


def waits_for(process, *words: str) -> str:
    """The line of its stderr that says so."""
    for line in process.stderr:
        if line.startswith("waiting:") and all(word in line for word in words):
            return line
    raise AssertionError(f"it ended without waiting for {words}")


def waiting(database) -> str:
    return database.cli("jobs", "list", "--output", "json").json["data"]["jobs"][0]["waiting"] or ""


def test_a_replica_that_applies_nothing_is_waited_for(replicated, pair):
    replica = pair[1]
    replication.halt(replica)
    process = begin(replicated, *CLEANUP, "--replica", url(replica))
    said = waits_for(process, "unknown", "does not apply")
    assert f"127.0.0.1:{replica.port}" in said
    assert f"127.0.0.1:{replica.port}" in until(lambda: waiting(replicated), "the job says it too")
    assert truth.count(replicated, INTERACTIONS) == OLD + 1
    replication.go_on(replica)
    done = answer(process)
    assert done["exit_code"] == 0, done["error"]
    assert done["data"]["deleted_rows"] == OLD
    assert done["data"]["paused_seconds"] > 0


def test_a_lag_in_seconds_is_held_against_the_limit(replicated, pair):
    replica = pair[1]
    replication.delay(replica, 60)
    try:
        truth.execute(replicated, "UPDATE users SET email = 'late' WHERE id = 1")
        behind = "Seconds_Behind_Source" if replica.family == "mysql" else "Seconds_Behind_Master"
        until(lambda: (replication.run(replica, "SHOW REPLICA STATUS")[0][behind] or 0) > 1, "it lags")
        process = begin(replicated, *CLEANUP, "--replica", url(replica), "--max-lag", "1")
        waits_for(process, "s behind, above 1 s")
        assert truth.count(replicated, INTERACTIONS) == OLD + 1
    finally:
        replication.delay(replica, 0)
    done = answer(process)
    assert done["exit_code"] == 0, done["error"]


def test_a_replica_that_vanishes_in_mid_run_is_waited_for(replicated, pair):
    replica = pair[1]
    holder = Holder(replicated, f"SELECT id FROM {INTERACTIONS} WHERE timestamp < '2021-01-01' FOR UPDATE")
    process = begin(replicated, *CLEANUP, "--replica", url(replica), "--retry-for", "600")
    waits_for(process, "lock")
    replica.kill9()
    holder.end()
    until(lambda: "does not answer" in waiting(replicated), "the job waits for its replica")
    left = truth.count(replicated, INTERACTIONS)
    replica.restart()
    replication.go_on(replica)
    done = answer(process)
    assert done["exit_code"] == 0, done["error"]
    assert left > 1
    assert truth.count(replicated, INTERACTIONS) == 1


def test_ctrl_c_ends_a_wait(replicated, pair):
    replication.halt(pair[1])
    process = begin(replicated, *CLEANUP, "--replica", url(pair[1]))
    waits_for(process, "unknown")
    process.terminate()
    assert answer(process)["exit_code"] == 130


def test_connected_replicas_are_to_be_named(replicated, pair):
    before = truth.snapshot(replicated)
    refused = replicated.cli(*CLEANUP, "--output", "json", check=5).json
    assert refused["error"]["code"] == "replicas_not_named"
    assert "--replica none" in refused["error"]["hint"]
    assert truth.snapshot(replicated) == before
    replicated.cli(*CLEANUP, "--replica", "none")
    assert truth.count(replicated, INTERACTIONS) == 1


def test_each_connected_replica_is_to_be_named(replicated, pair, start_server):
    """One that is not is refused beforehand, and waited for when it connects in mid-run."""
    primary, replica = pair
    named = ("--replica", url(replica))
    replication.halt(replica)
    process = begin(replicated, *CLEANUP, *named)
    waits_for(process, "unknown")
    third = start_server(primary.label, "--log-bin", "--server-id=3")
    replication.replicate(primary, third)
    try:
        replication.go_on(replica)
        waits_for(process, "2 replicas are connected by now and 1 named")
        process.terminate()
        assert answer(process)["exit_code"] == 130
        refused = replicated.cli(*CLEANUP, *named, "--output", "json", check=5).json
        assert refused["error"]["code"] == "replicas_not_named"
        assert "2 replicas" in refused["error"]["message"]
        replicated.cli(*CLEANUP, *named, "--replica", url(third))
        assert truth.count(replicated, INTERACTIONS) == 1
    finally:
        replication.run(third, "STOP REPLICA")
        with connect(replicated) as session:
            sql = sqlfiles.load(None, session.family)
            truth.execute(replicated, "UPDATE users SET email = 'later' WHERE id = 1")  # by which the source notices
            until(lambda: connected_replicas(session, sql) == 1, "the source has noticed")


@pytest.mark.parametrize(
    ("option", "pattern", "code"),
    [("DO", "%interactions", 5), ("IGNORE", "%\\_\\_rlops%", 5), ("DO", "user%", 0)],
)
def test_a_replica_that_leaves_out_what_takes_the_tables_place(replicated, pair, option, pattern, code):
    """Whoever changes the form of the table learns of it before anything is done; a filter that takes all of it is fine."""
    primary, replica = pair
    (format_before,) = replication.run(primary, "SELECT @@GLOBAL.binlog_format AS found")
    replication.run(primary, "SET GLOBAL binlog_format = ROW")
    before = truth.snapshot(replicated)
    filtered(replica, option, f"{replicated.name}.{pattern}")
    try:
        words = ("--replica", url(replica), "--dry-run", "--output", "json")
        enabled = replicated.cli("partition", "enable", *words, check=code).json
        replicated.cli("cleanup", "--months", "12", *words)  # no partitions: rows go from where they are
    finally:
        filtered(replica, option, "")
        replication.run(primary, f"SET GLOBAL binlog_format = {format_before['found']}")
    assert truth.snapshot(replicated) == before
    if code:
        assert enabled["error"]["code"] == "replica_filters"
        assert f"{INTERACTIONS}__rlops_new" in enabled["error"]["message"]


def test_no_month_leaves_for_a_table_that_a_replica_leaves_out(replicated, pair):
    replicated.cli("partition", "enable", "--offline", "--yes")
    filtered(pair[1], "IGNORE", f"{replicated.name}.%\\_\\_hold%")
    try:
        refused = replicated.cli(
            "cleanup", "--months", "12", "--replica", url(pair[1]), "--output", "json", check=5
        ).json
    finally:
        filtered(pair[1], "IGNORE", "")
    assert refused["error"]["code"] == "replica_filters"
    assert truth.count(replicated, INTERACTIONS) == OLD + 1


def filtered(replica, option, pattern) -> None:
    """Let it follow with this filter alone."""
    value = "'" + pattern.replace("\\", "\\\\") + "'"
    if replica.family == "mysql":
        how = f"CHANGE REPLICATION FILTER REPLICATE_WILD_{option}_TABLE = ({value if pattern else ''})"
        replication.run(replica, "STOP REPLICA SQL_THREAD", how)
    else:
        replication.run(replica, "STOP SLAVE", f"SET GLOBAL replicate_wild_{option.lower()}_table = {value}")
    replication.go_on(replica)
    until(lambda: replication.following(replica), "it follows with its filter")


def test_a_replica_from_a_profile_and_from_the_environment(replicated, pair):
    config = replicated.home / "rlops.toml"
    config.write_text(f'[profiles.shop]\nurl = "{replicated.url}"\nreplica = ["{url(pair[1])}"]\n')
    shown = replicated.cli("config", "show", "--output", "json", env={"RLOPS_REPLICA": url(pair[1])}).json
    (setting,) = (each for each in shown["data"]["settings"] if each["name"] == "replica")
    assert f"127.0.0.1:{pair[1].port}" in setting["value"]
    run_cli(*CLEANUP, "--profile", "shop", "--environment", "development", home=replicated.home)
    assert truth.count(replicated, INTERACTIONS) == 1


@pytest.mark.parametrize(
    ("value", "code"),
    [("mysql://root:secret@127.0.0.1:1", "password_on_command_line"), ("nonsense", "bad_url"), ("mysql://", "bad_url")],
)
def test_a_replica_that_can_not_be_understood(filled, value, code):
    answered = filled.cli(*CLEANUP, "--replica", value, "--output", "json", check=2)
    assert answered.json["error"]["code"] == code
    assert "secret" not in answered.stdout + answered.stderr


def test_what_waiting_will_not_mend_is_refused(filled, tmp_path):
    before = truth.snapshot(filled)
    refused = filled.cli(*CLEANUP, "--replica", filled.url, "--output", "json", check=5).json
    assert "it is no replica" in refused["error"]["message"]
    config = filled.home / "rlops.toml"
    config.write_text(
        f'[profiles.shop]\nurl = "{filled.url}"\nreplica = "{url(filled.server).replace("//", "//nobody:x@")}"\n'
    )
    wrong = run_cli(*CLEANUP, "--profile", "shop", "--output", "json", home=filled.home, check=5)
    assert "nobody" in wrong.json["error"]["message"]
    assert truth.snapshot(filled) == before


def test_a_replica_that_does_not_tell_this_account_is_refused(replicated, pair):
    replication.run(pair[1], "DROP USER IF EXISTS blind", "CREATE USER blind IDENTIFIED BY 'word'")
    named = {"RLOPS_REPLICA": url(pair[1]).replace("//", "//blind:word@")}
    refused = replicated.cli(*CLEANUP, "--output", "json", env=named, check=5).json
    assert refused["error"]["code"] == "replica_unusable"
    needs = "SLAVE MONITOR" if pair[1].family == "mariadb" else "REPLICATION CLIENT"
    assert needs in refused["error"]["hint"]
    replication.run(pair[1], f"GRANT {needs} ON *.* TO blind")
    replicated.cli(*CLEANUP, env=named)


def test_running_threads_are_waited_for(filled):
    sleepers = [filled.connect() for _ in range(4)]
    threads = [threading.Thread(target=asleep, args=(each,), daemon=True) for each in sleepers]
    for thread in threads:
        thread.start()
    with connect(filled) as session:
        sql = sqlfiles.load(None, session.family)
        until(lambda: (threads_running(session, sql, 3).value or 0) >= 5, "they run")
        assert threads_running(session, sql, 3).exceeded
        assert threads_running(session, sql, 1000).exceeded is None
    process = begin(filled, *CLEANUP, "--max-threads", "3")
    waits_for(process, "Threads_running")
    assert truth.count(filled, INTERACTIONS) == OLD + 1
    for each in sleepers:
        truth.execute(filled, f"KILL {each.thread_id()}")
    done = answer(process)
    assert done["exit_code"] == 0, done["error"]


def asleep(connection) -> None:
    with suppress(pymysql.err.MySQLError), connection.cursor() as cursor:
        cursor.execute("SELECT SLEEP(300)")


def test_the_history_list_is_waited_for(filled, tmp_path):
    folder = tmp_path / "sql"
    shutil.copytree(sqlfiles.default_root(), folder)
    policy = folder / "policy.toml"
    policy.write_text(policy.read_text().replace("history_list = 1_000_000", "history_list = 20"))
    reader = Holder(filled, "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SELECT COUNT(*) FROM users")
    with filled.connect() as writer, writer.cursor() as cursor:
        for n in range(200):
            cursor.execute("UPDATE users SET email = %s WHERE id = 1", (str(n),))
    with connect(filled) as session:
        sql = sqlfiles.load(None, session.family)
        until(lambda: history_list(session, sql, 20).exceeded, "purge can't remove what the reader may look at")
    process = begin(filled, *CLEANUP, "--sql-dir", str(folder))
    waits_for(process, "history list")
    assert truth.count(filled, INTERACTIONS) == OLD + 1
    reader.end()
    with filled.connect() as writer, writer.cursor() as cursor:
        cursor.execute("UPDATE users SET email = 'x' WHERE id = 1")  # wakes the purge thread of an idle server
    done = answer(process)
    assert done["exit_code"] == 0, done["error"]


def test_a_full_redo_log_is_waited_for(filled):
    if filled.server.family != "mariadb":
        pytest.skip(
            "MySQL stops nobody for it, so it isn't looked at: sql/throttle/070_redo_log.sql has what was measured"
        )
    truth.execute(filled, "CREATE TABLE filler (id INT PRIMARY KEY, x LONGBLOB)", "INSERT INTO filler VALUES (1, '')")
    with KeptFull(filled), connect(filled) as session:
        sql = sqlfiles.load(None, session.family)
        until(lambda: redo_log(session, sql, 6).exceeded, "more is written than flushed")
        process = begin(filled, *CLEANUP, *policy(filled, redo_log="2"))
        waits_for(process, "redo log")
        assert truth.count(filled, INTERACTIONS) == OLD + 1
    before = filled.query("SELECT @@GLOBAL.innodb_max_dirty_pages_pct AS n")[0]["n"]
    truth.execute(filled, "SET GLOBAL innodb_max_dirty_pages_pct = 0")  # flush everything
    try:
        done = answer(process)
    finally:
        truth.execute(filled, f"SET GLOBAL innodb_max_dirty_pages_pct = {before}")
    assert done["exit_code"] == 0, done["error"]
    assert truth.count(filled, INTERACTIONS) == 1


class KeptFull:
    """Writes large values one after the other: of the last one at least, the redo log holds what isn't flushed yet."""

    def __init__(self, database):
        self.database, self.over = database, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        with self.database.connect() as connection, connection.cursor() as cursor:
            while not self.over.is_set():
                cursor.execute("UPDATE filler SET x = REPEAT(CHAR(RAND() * 255 USING latin1), 8000000)")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def test_without_the_privilege_it_is_unknown_and_said(filled):
    """MySQL alone wants one: PROCESS."""
    if filled.server.family != "mysql":
        pytest.skip("no privilege is needed there")
    truth.execute(
        filled, "DROP USER IF EXISTS operator", "CREATE USER operator", f"GRANT ALL ON {filled.name}.* TO operator"
    )
    try:
        said = filled.cli(*CLEANUP, "--user", "operator", "--output", "json").json["notes"]
        assert sum("history list" in note and "PROCESS" in note for note in said) == 1
        assert sum("replicas" in note and "PROCESS" in note for note in said) == 1
        fill(filled)
        truth.execute(filled, "UPDATE rlops_state SET value = 'production' WHERE name = 'environment'")
        confirm = ("--confirm", filled.name, "--user", "operator", "--output", "json")
        refused = filled.cli(*CLEANUP, *confirm, check=5).json
        assert refused["error"]["code"] == "replicas_unknown"
        filled.cli(*CLEANUP, *confirm, "--replica", "none")
    finally:
        truth.execute(filled, "DROP USER operator")


def test_each_look_on_this_engine(replicated):
    with connect(replicated) as session:
        sql = sqlfiles.load(None, session.family)
        assert connected_replicas(session, sql) == 1
        assert (threads_running(session, sql, 1).value or 0) >= 1
        assert history_list(session, sql, 1).value is not None
        if replicated.server.family == "mariadb":
            used = redo_log(session, sql, 1).value
            assert used is not None and 0 <= used <= 100


def arrived(replica) -> bool:
    try:
        return truth.count(replica, INTERACTIONS) == OLD + 1
    except pymysql.err.MySQLError as error:
        assert error.args[0] in (1049, 1146), error  # neither the schema nor the table yet
        return False


def test_a_replica_is_not_written_to(replicated, pair):
    """Neither in its rows nor in its form; to look is allowed, and doctor says why."""
    replica = pair[1]
    there = ShopDatabase(replica, replicated.name, replicated.home)
    until(lambda: arrived(there), "the replica has the rows")
    before = truth.snapshot(there)
    for command in (CLEANUP, ("rollback", "--yes"), ("partition", "enable", "--offline")):
        told = there.cli(*command, "--environment", "development", "--output", "json", check=5).json
        assert told["error"]["code"] == "not_writable", told["error"]
        assert "replica of 127.0.0.1" in told["error"]["message"]
    assert there.cli("rollback", "--dry-run").returncode == 0
    for command in (("jobs", "pause"), ("monitor", "--record"), ("maintain", "--yes")):
        told = there.cli(*command, "--environment", "development", "--output", "json", check=5).json
        assert told["error"]["code"] == "not_writable", told["error"]
    (finding,) = (
        each
        for each in there.cli("doctor", "--output", "json", check=3).json["data"]["findings"]
        if each["check"] == "server"
    )
    assert finding["object"] == "replica of"
    assert truth.snapshot(there) == before
    replicated.cli(*CLEANUP, "--replica", url(replica))


def test_the_account_that_doctor_prints_writes_to_no_replica(replicated, pair):
    """With what lets it see one; without that the plan says so, and on MariaDB any account sees a replica that runs."""
    primary, replica = pair
    there = ShopDatabase(replica, replicated.name, replicated.home)
    (account,) = (
        each
        for each in replicated.cli("doctor", "--grants", "--environment", "production", "--output", "json").json[
            "data"
        ]["accounts"]
        if each["command"] == "cleanup"
    )
    more = [each["grant"] for each in account["optional"] if "is a replica" in each["why"]]
    assert len(more) == 1
    made = "\n".join((*account["statements"], *more)).replace(account["account"], "operator@'%'").replace("…", "Word-1")
    word = "SLAVE MONITOR" if primary.family == "mariadb" else "REPLICATION CLIENT"

    def holds():
        named = replication.run(replica, "SELECT 1 FROM mysql.user WHERE user = 'operator'")
        return named and word in str(replication.run(replica, "SHOW GRANTS FOR operator"))

    truth.execute(replicated, "DROP USER IF EXISTS operator@'%'", *filter(None, made.split(";")))
    truth.execute(replicated, "CREATE TABLE account_is_made (id INT)")
    until(lambda: arrived(there), "the replica has the rows")
    until(lambda: "account_is_made" in truth.tables(there), "and the account, whole")
    before = truth.snapshot(there)
    urls = {
        name: {"RLOPS_URL": shop.url.replace("root", "operator:Word-1")}
        for name, shop in (("here", replicated), ("there", there))
    }

    def cleanup(where, environment, check):
        words = ("--confirm", replicated.name, "--environment", environment, "--replica", "none", "--output", "json")
        return run_cli(*CLEANUP, *words, home=replicated.home, env=urls[where], check=check).json

    def refused(environment):
        return cleanup("there", environment, 5)["error"]

    try:
        assert refused("production")["code"] == "not_writable"
        truth.execute(replicated, f"REVOKE {word} ON *.* FROM operator@'%'")
        until(lambda: not holds(), "the replica revokes it, too")
        if primary.family == "mariadb":
            assert refused("production")["code"] == "not_writable"
        assert truth.snapshot(there) == before
        assert any(word in note for note in cleanup("here", "production", 0)["notes"])
    finally:
        truth.execute(replicated, "DROP USER operator@'%'")


def test_a_run_of_the_source_is_not_settled_on_its_replica(replicated, pair):
    """Its run shows as open there, and the replica's lock is free."""
    there = ShopDatabase(pair[1], replicated.name, replicated.home)
    until(lambda: arrived(there), "the replica has the rows")
    held = (
        f"SELECT id FROM {INTERACTIONS} WHERE timestamp > '2020-01-01 00:00:58' AND timestamp < '2021-01-01' FOR UPDATE"
    )
    holder = Holder(replicated, held)
    process = begin(replicated, *CLEANUP, "--replica", "none", "--retry-for", "600")
    query = (
        "SELECT (SELECT status FROM rlops_run ORDER BY id DESC LIMIT 1) AS run, (SELECT state FROM rlops_job) AS job"
    )
    until(lambda: there.query(query) == [{"run": "running", "job": "running"}], "the replica shows the run")
    try:
        for command in (("migrate",), ("jobs", "pause"), ("jobs", "abort")):
            there.cli(*command, "--environment", "development", check=None)
        assert there.query(query) == [{"run": "running", "job": "running"}]
    finally:
        holder.end()
    assert answer(process)["exit_code"] == 0
