"""Long work that is paused, aborted, stopped or killed from elsewhere: another run goes on where it stopped."""

from __future__ import annotations

import random
import signal
import threading
import time
from datetime import timedelta

import pymysql
import pytest
import truth
from conftest import run_cli
from sessions import Holder, answer, begin, until
from truth import TABLES

from rlops.sandbox.server import RunningServer

INTERACTIONS = TABLES[0]
OLD, NEW = 3000, 50
CLEANUP = ("cleanup", "--months", "12", "--yes", "--no-archive")


@pytest.fixture
def filled(database):
    if not isinstance(database.server, RunningServer):
        pytest.skip("wants a server of ours")
    database.install()
    truth.fill(database, *(f"2020-01-01 00:00:{n % 60:02}" for n in range(OLD)), *["2099-01-01 00:00:00"] * NEW)
    return database


def hold_back(database) -> Holder:
    """A lock that a cleanup meets in its second chunk."""
    found = database.query(f"SELECT id FROM {INTERACTIONS} ORDER BY timestamp, id LIMIT 1 OFFSET 1500")
    return Holder(database, f"SELECT id FROM {INTERACTIONS} WHERE id = {found[0]['id']} FOR UPDATE")


def begun(database, *command):
    """A run that has done its first chunk, and the holder that keeps it from the rest."""
    holder = hold_back(database)
    process = begin(database, *(command or CLEANUP), "--retry-for", "600")
    until(lambda: left(database) < OLD, "the first chunk is done")
    return process, holder


def left(database) -> int:
    return truth.count(database, INTERACTIONS, "timestamp < '2021-01-01'")


def listed(database) -> list[dict]:
    return database.cli("jobs", "list", "--output", "json").json["data"]["jobs"]


def state(database) -> str:
    return listed(database)[0]["state"]


def test_a_killed_run_is_shown_as_interrupted_and_the_next_goes_on_behind_its_watermark(filled):
    process, holder = begun(filled)
    assert state(filled) == "running"
    process.kill()
    process.wait()
    until(lambda: state(filled) == "interrupted", "the server has noticed")
    job = listed(filled)[0]
    assert job["rows"] == OLD - left(filled) > 0
    holder.end()
    # A row that appears behind the watermark is met by the last pass, after the rest.
    truth.fill(filled, "2019-01-01 00:00:00", models=0, features=0)
    done = answer(begin(filled, *CLEANUP))
    assert done["exit_code"] == 0, done["error"]
    assert done["data"]["job"] == job["id"]
    assert done["data"]["resumed"] is True
    assert done["data"]["deleted_rows"] == OLD - job["rows"] + 1
    assert done["data"]["late_rows"] == 1
    assert left(filled) == 0
    (over,) = listed(filled)
    assert (over["state"], over["rows"]) == ("done", OLD + 1)


def test_the_cutoff_of_an_interrupted_run_stays(filled):
    now = ("--now", "2026-03-15T00:00:00")
    truth.fill(filled, "2025-03-15 00:00:00", models=0, features=0)  # expired in April, not in March
    process, holder = begun(filled, *CLEANUP, *now)
    process.kill()
    process.wait()
    holder.end()
    done = filled.cli(*CLEANUP, "--now", "2026-04-15T00:00:00", "--output", "json", check=3).json
    assert done["data"]["cutoff"] == f"2025-03-01T00:00:00{truth.offset(filled)}"
    assert done["data"]["newer_cutoff"] == f"2025-04-01T00:00:00{truth.offset(filled)}"
    assert done["next"] == "rlops cleanup --months 12 --no-archive"
    assert truth.count(filled, INTERACTIONS, "timestamp < '2026-01-01'") == 1
    done = filled.cli(*CLEANUP, "--now", "2026-04-15T00:00:00", "--output", "json").json
    assert done["data"]["deleted_rows"] == 1


def test_other_months_are_refused_while_a_job_is_open(filled):
    process, holder = begun(filled)
    process.kill()
    process.wait()
    holder.end()
    refused = filled.cli("cleanup", "--months", "24", "--yes", "--no-archive", "--output", "json", check=5).json
    assert "rlops cleanup --months 12" in refused["error"]["hint"]


def test_another_policy_is_refused_until_the_job_is_given_up(filled, tmp_path):
    import shutil

    from rlops import sqlfiles

    process, holder = begun(filled)
    process.kill()
    process.wait()
    holder.end()
    before = left(filled)
    folder = tmp_path / "sql"
    shutil.copytree(sqlfiles.default_root(), folder)
    policy = folder / "policy.toml"
    policy.write_text(policy.read_text().replace("chunk_seconds = 0.3 ", "chunk_seconds = 0.1 "))
    filled.cli(*CLEANUP, "--sql-dir", str(folder), "--dry-run")  # how fast is no matter of what is deleted
    policy.write_text(policy.read_text().replace("max_share_per_run = 0.25", "max_share_per_run = 0.5"))
    refused = filled.cli(*CLEANUP, "--sql-dir", str(folder), "--output", "json", check=5).json
    number = listed(filled)[0]["id"]
    assert refused["error"]["code"] == "policy_changed"
    assert f"rlops jobs abort {number}" in refused["error"]["hint"]
    assert left(filled) == before
    filled.cli("jobs", "abort")
    assert state(filled) == "aborted"
    anew = filled.cli(*CLEANUP, "--sql-dir", str(folder), "--output", "json").json
    assert anew["data"]["resumed"] is False
    assert anew["data"]["job"] != number
    assert left(filled) == 0


def test_pause_and_resume_from_elsewhere(filled):
    process, holder = begun(filled)
    filled.cli("jobs", "pause")
    holder.end()
    until(lambda: state(filled) == "paused", "the run has seen it")
    paused = listed(filled)[0]
    assert "paused by" in paused["waiting"]
    still = left(filled)
    time.sleep(1.5)
    assert left(filled) == still == OLD - paused["rows"]
    filled.cli("jobs", "resume", str(paused["id"]))
    done = answer(process)
    assert done["exit_code"] == 0, done["error"]
    assert done["data"]["paused_seconds"] >= 1
    assert left(filled) == 0


def test_a_pause_outlives_its_run(filled):
    process, holder = begun(filled)
    filled.cli("jobs", "pause")
    process.kill()
    process.wait()
    holder.end()
    process = begin(filled, *CLEANUP)
    until(lambda: state(filled) == "paused", "the next run waits as well")
    filled.cli("jobs", "resume")
    assert answer(process)["exit_code"] == 0


def test_abort_ends_a_run_after_its_chunk(filled):
    process, holder = begun(filled)
    filled.cli("jobs", "abort")
    holder.end()
    done = answer(process)
    assert (done["exit_code"], done["error"]["code"]) == (130, "job_aborted")
    job = listed(filled)[0]
    assert job["state"] == "aborted"
    assert left(filled) == OLD - job["rows"] == OLD - done["data"]["deleted_rows"]
    anew = filled.cli(*CLEANUP, "--output", "json").json
    assert anew["data"]["resumed"] is False


def test_what_is_asked_of_a_job_that_can_not_be(filled):
    filled.cli("jobs", "pause", check=2)
    filled.cli("jobs", "abort", "77", check=2)
    process, holder = begun(filled)
    process.kill()
    process.wait()
    holder.end()
    until(lambda: state(filled) == "interrupted", "the server has noticed")
    number = str(listed(filled)[0]["id"])
    filled.cli("jobs", "pause", number, check=5)
    told = filled.cli("jobs", "resume", "--output", "json", check=3).json
    assert told["next"] == "rlops cleanup --months 12 --no-archive"
    before = truth.snapshot(filled)
    for what in ("resume", "abort"):
        filled.cli("jobs", what, "--dry-run")
    assert truth.snapshot(filled) == before
    filled.cli("jobs", "abort", number)
    filled.cli("jobs", "abort", number, check=5)


def test_a_time_budget_ends_after_a_chunk_and_the_next_run_goes_on(filled):
    process, holder = begun(filled, *CLEANUP, "--max-time", "3")
    time.sleep(3)
    holder.end()
    done = answer(process)
    assert (done["exit_code"], done["error"]["code"]) == (3, "time_budget"), done["error"]
    assert done["steps"][-1]["status"] == "stopped"
    assert done["data"]["deleted_rows"] == OLD - left(filled) > 0
    assert done["data"]["left_rows"] == left(filled) > 0
    assert filled.cli(*CLEANUP, "--output", "json").json["data"]["resumed"] is True
    assert left(filled) == 0


@pytest.mark.torture
def test_a_window_that_closes_in_mid_run_ends_it_as_a_time_budget_does(filled):
    """By the clock: it takes up to a minute and a half."""
    now = filled.query("SELECT NOW() AS now")[0]["now"]
    closes = (now + timedelta(seconds=75)).replace(second=0)
    process, holder = begun(filled, *CLEANUP, "--window", f"{now:%H:%M}-{closes:%H:%M}")
    until(lambda: process.poll() is not None, "it ends when the window closes", patience=100)
    holder.end()
    done = answer(process)
    assert (done["exit_code"], done["error"]["code"]) == (3, "window_closed"), done["error"]
    assert "next window" in done["error"]["hint"]
    assert filled.cli(*CLEANUP, "--output", "json").json["data"]["resumed"] is True
    assert left(filled) == 0


def test_a_stop_file_stops_as_ctrl_c_does(filled):
    stop = filled.home / "stop"
    process, holder = begun(filled, *CLEANUP, "--stop-file", str(stop))
    stop.touch()
    holder.end()
    done = answer(process)
    assert (process.returncode, done["status"], done["error"]["code"]) == (130, "interrupted", "stop_file")
    assert str(stop) in done["error"]["message"]
    assert left(filled) > 0
    filled.cli(*CLEANUP, "--stop-file", str(stop), check=130)
    stop.unlink()
    filled.cli(*CLEANUP, "--stop-file", str(stop))
    assert left(filled) == 0


def test_two_parents_are_two_jobs(filled):
    """An interrupted purge of one product keeps nobody from purging another, nor from cleanup."""
    holder = Holder(filled, f"SELECT id FROM {INTERACTIONS} WHERE product_id = 3 FOR UPDATE")
    process = begin(filled, "purge", "--product", "3", "--yes", "--retry-for", "600")
    assert any("lock" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    assert answer(process)["exit_code"] == 130
    filled.cli("purge", "--product", "4", "--yes")
    assert truth.count(filled, INTERACTIONS, "product_id = 4") == 0
    holder.end()
    done = filled.cli("purge", "--product", "3", "--yes", "--output", "json").json
    assert done["data"]["resumed"] is True
    assert {job["subject"]: job["state"] for job in listed(filled)} == {"product 3": "done", "product 4": "done"}


def test_an_account_that_sees_no_other_session_tells_a_run_that_lives(filled):
    truth.execute(
        filled, "DROP USER IF EXISTS watcher", "CREATE USER watcher", f"GRANT SELECT ON {filled.name}.* TO watcher"
    )
    try:
        process, holder = begun(filled)
        watcher = (*filled.options, "--user", "watcher")
        seen = run_cli("jobs", "list", *watcher, "--output", "json", home=filled.home).json["data"]["jobs"]
        assert [job["state"] for job in seen] == ["running"]
        run_cli("jobs", "pause", *watcher, home=filled.home, check=4)
        holder.end()
        assert answer(process)["exit_code"] == 0
    finally:
        truth.execute(filled, "DROP USER watcher")


class Shop:
    """Inserts rows of all ages, moves timestamps and deletes, until the block ends; remembers what it deleted."""

    def __init__(self, database) -> None:
        self._connection, self._stop = database.connect(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.inserted: dict[int, str] = {}
        self.deleted: set[int] = set()
        self.errors: list[Exception] = []

    def _work(self) -> None:
        numbers = random.Random(7)
        insert = (
            f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, timestamp) VALUES (1, 1, 'VIEW', %s)"
        )
        with self._connection.cursor() as cursor:
            while not self._stop.wait(0.002):
                when = numbers.choice(("2019-06-01 00:00:00", "2020-01-01 00:00:30", "2099-01-01 00:00:00"))
                try:
                    cursor.execute(insert, (when,))
                    self.inserted[cursor.lastrowid] = when
                    if numbers.random() < 0.2:
                        number = numbers.choice(list(self.inserted))
                        if cursor.execute(f"DELETE FROM {INTERACTIONS} WHERE id = %s", (number,)):
                            self.deleted.add(number)
                except pymysql.err.MySQLError as error:
                    self.errors.append(error)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join(60)


def killed_again_and_again(database, kills, seed) -> None:
    """However often it is killed, exactly the expired rows go, and the job knows of each."""
    numbers = random.Random(seed)
    more = [f"2020-02-{n % 28 + 1:02} 00:00:{n % 60:02}" for n in range(20_000)]
    truth.fill(database, *more, models=0, features=0)
    young = {row[0] for row in truth.rows(database, INTERACTIONS) if row[5].year > 2025}
    killed = 0
    with Shop(database) as shop:
        for _ in range(kills):
            process = begin(database, *CLEANUP, "--retry-for", "60")
            time.sleep(numbers.uniform(0.4, 2.5))
            killed += process.poll() is None
            process.kill()
            process.communicate()
    assert killed
    assert shop.errors == []
    done = answer(begin(database, *CLEANUP, "--retry-for", "60"))
    assert done["exit_code"] == 0, done["error"]
    left = {row[0]: row[5] for row in truth.rows(database, INTERACTIONS)}
    expected = young | {number for number, when in shop.inserted.items() if when > "2098"} - shop.deleted
    assert {number for number, when in left.items() if when.year > 2025} == expected
    assert set(left) == expected  # no shop writes any more, and the last pass is after the kills
    jobs = database.query("SELECT SUM(done_rows) AS n, SUM(state <> 'done') AS open FROM rlops_job")[0]
    gone = OLD + NEW + len(more) + len(shop.inserted) - len(left) - len(shop.deleted)
    assert (int(jobs["n"]), int(jobs["open"])) == (gone, 0)


def test_killed_again_and_again_while_the_shop_writes(filled):
    killed_again_and_again(filled, 5, 1)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(10))
def test_killed_many_times_while_the_shop_writes(filled, seed):
    killed_again_and_again(filled, 20, seed)
