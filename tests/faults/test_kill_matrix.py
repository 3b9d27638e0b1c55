"""kill -9 and a cut connection at every statement that a command sends: the rerun finishes, and no row is ever lost."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import scenarios
import truth
from launcher import Launcher
from partition_scenarios import PARTITION
from proxy import POINTS, Point, Proxy, Sent, Strike
from scenarios import Bench, PlainDatabase, Scenario, journal_problems, open_steps

from rlops.sandbox.server import RunningServer

SCENARIOS = scenarios.SCENARIOS | PARTITION
SEED = 20260801
TRIES = 3
GONE_WITHIN = 30  # seconds for the server to end a dead client's session


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher() as started:
        yield started


@pytest.fixture
def bench(database) -> Iterator[Bench]:
    if not isinstance(database.server, RunningServer) or database.server.port is None:
        pytest.skip("wants a server of ours that listens on TCP")
    made = Bench(PlainDatabase(database.server, database.name, database.home, database.opened))
    made.learn()
    yield made
    truth.execute(database, f"DROP USER IF EXISTS {scenarios.ACCOUNT}")


@dataclass
class Matrix:
    """Runs the cases of one command, and keeps what went wrong with each."""

    scenario: Scenario
    launcher: Launcher
    sent: list[Sent] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    struck: int = 0

    def learn(self) -> None:
        """See which statements a clean run sends."""
        self.scenario.arrange()
        with Proxy(self.scenario.database.server.port, watched=self.scenario.database.home / "cold") as proxy:
            assert self._run(proxy) == 0
            self.sent = list(proxy.sent)
        assert self.scenario.unfinished() == []

    def kill(self, number: int, point: Point) -> None:
        self.scenario.arrange()
        victim: list[int] = []
        begun = threading.Event()

        def act() -> None:
            assert begun.wait(60)
            os.kill(victim[0], signal.SIGKILL)

        with Proxy(self.scenario.database.server.port, Strike(number, point, act)) as proxy:
            victim.append(self._begin(proxy))
            begun.set()
            code = self.launcher.end()
        if proxy.ended_before(number):
            self.kill(len(proxy.sent), point)
        else:
            self._after("kill", number, point, proxy, code)

    def cut(self, number: int, point: Point) -> None:
        self.scenario.arrange()
        with Proxy(self.scenario.database.server.port, Strike(number, point)) as proxy:
            code = self._run(proxy)
        if proxy.ended_before(number):
            self.cut(len(proxy.sent), point)
        else:
            self._after("cut", number, point, proxy, code)

    def _begin(self, proxy: Proxy) -> int:
        database = self.scenario.database
        url = f"mysql://root@127.0.0.1:{proxy.port}/{database.name}"
        arguments = (*self.scenario.options(), "--url", url, "--ssl-mode", "DISABLED")
        return self.launcher.begin(arguments, database.home, {"HOME": str(database.home), "LANG": "C.UTF-8"})

    def _run(self, proxy: Proxy) -> int:
        self._begin(proxy)
        return self.launcher.end()

    def _after(self, what: str, number: int, point: Point, proxy: Proxy, code: int) -> None:
        shown = " ".join(self.sent[number - 1].sql.split())[:70] if number <= len(self.sent) else "(more)"
        case = f"{what} {point} {number} [{shown}]"
        self.struck += proxy.struck.is_set()
        found = [repr(error) for error in proxy.failures]
        database = self.scenario.database
        left_open = {}
        if point != "running":  # else the rerun is to meet the statement that still runs
            wait_until_alone(database)
            found += [f"at once: {problem}" for problem in self.scenario.torn()]
            left_open = open_steps(database)
        expected = {-signal.SIGKILL} if what == "kill" and proxy.struck.is_set() else {0, 1, 4, 6}
        if code not in expected:
            found.append(f"exit {code}: {(database.home / 'stdout').read_text()}")
        if code == 0:
            found += [
                f"after exit 0: {problem}" for problem in self.scenario.unfinished() + journal_problems(database, {})
            ]
        found += self._rerun() or self.scenario.unfinished() + journal_problems(database, left_open)
        self.problems += [f"{case}: {problem}" for problem in found]

    def _rerun(self) -> list[str]:
        said = []
        for _ in range(TRIES):
            answer = self.scenario.database.cli(*self.scenario.options(), check=None)
            if answer.returncode in self.scenario.over:
                return []
            error = answer.json["error"] or {"message": answer.json["notes"], "hint": answer.json["next"]}  # findings
            said.append(f"exit {answer.returncode}: {error['message']} ({error['hint']})")
            changed = answer.returncode == 5 and "plan changed" in error["message"]  # what ran on ended meanwhile
            if answer.returncode not in (1, 6) and not changed:
                break
        return [f"the rerun did not finish: {said}"]


def wait_until_alone(database) -> None:
    deadline = time.monotonic() + GONE_WITHIN
    sql = "SELECT id, info FROM information_schema.PROCESSLIST WHERE db = %s AND id <> CONNECTION_ID()"
    while others := database.query(sql, (database.name,)):
        assert time.monotonic() < deadline, f"still on the server: {others}"
        time.sleep(0.02)


@pytest.fixture
def matrix(request, bench, launcher) -> Matrix:
    made = Matrix(SCENARIOS[request.param](bench), launcher)
    made.learn()
    return made


def sample(sent: list[Sent], count: int, salt: str) -> list[tuple[int, Point]]:
    """The same cases each time, none of them before the run lock: until there nothing is written."""
    numbers = random.Random(f"{SEED} {salt}")
    every = [(number, point) for number in range(first_write(sent), len(sent) + 1) for point in POINTS]
    return sorted(numbers.sample(every, count))


def reads(sql: str) -> bool:
    return verb(sql) in ("SELECT", "SHOW", "SET", "EXPLAIN") and "_LOCK(" not in sql


def verb(sql: str) -> str:
    return sql.split(maxsplit=1)[0].upper()


def kind(sql: str) -> str:
    """The statement without its values."""
    return re.sub(r"'(?:[^'\\]|\\.)*'|\b\d[\d.]*\b|\?(?:, ?\?)+", "?", sql)


def first_write(sent: list[Sent]) -> int:
    """The run lock's number: until there nothing is written."""
    return next(number for number, each in enumerate(sent, 1) if "GET_LOCK" in each.sql)


def kills(sent: list[Sent]) -> list[tuple[int, Point]]:
    """Each change of state: what the server has committed, what the cold store holds, and each statement that can run on.

    Inside a transaction the server rolls back whatever came before, so that its statements are one state.
    """
    first = first_write(sent)
    points: list[tuple[int, Point]] = [(1, "before"), (first, "before")]
    files, inside, known = sent[first - 1].files, set(), set()
    for number, each in enumerate(sent[first - 1 :], first):
        if each.files != files:
            points.append((number, "before"))
            files = each.files
        if verb(each.sql) in ("START", "BEGIN"):
            inside.add(each.connection)
        elif verb(each.sql) in ("COMMIT", "ROLLBACK"):
            inside.discard(each.connection)
        if reads(each.sql):
            continue
        if each.connection not in inside or verb(each.sql) not in ("START", "INSERT", "UPDATE", "DELETE", "REPLACE"):
            points += [(number, "answered"), (number, "running")]
        elif kind(each.sql) not in known:
            points.append((number, "running"))
        known.add(kind(each.sql))
    return points


def cuts(sent: list[Sent]) -> list[tuple[int, Point]]:
    """Each kind of statement where it comes first, last, and once between: what the run does then depends on that."""
    first, numbers = first_write(sent), dict[str, list[int]]()
    for number, each in enumerate(sent, 1):
        if number == 1 or number >= first:
            numbers.setdefault(kind(each.sql), []).append(number)
    chosen = sorted(n for found in numbers.values() for n in {found[0], found[len(found) // 2], found[-1]})
    return [(n, point) for n in chosen for point in (POINTS[:1] if reads(sent[n - 1].sql) else POINTS)]


@pytest.mark.parametrize("matrix", SCENARIOS, indirect=True)
def test_some_points(matrix):
    """One kill and one cut; of what takes hundreds of statements a kill on MySQL, and a cut on MariaDB."""
    mariadb = matrix.scenario.database.server.family == "mariadb"
    kills, cuts = (1 - mariadb, int(mariadb)) if matrix.scenario.hundreds else (1, 1)
    for number, point in sample(matrix.sent, kills, "kill"):
        matrix.kill(number, point)
    for number, point in sample(matrix.sent, cuts, "cut"):
        matrix.cut(number, point)
    assert matrix.problems == []
    assert matrix.struck == kills + cuts


@pytest.mark.parametrize("matrix", ["partition expire"], indirect=True)
def test_a_state_and_its_time_are_noted_as_one_behind_a_ddl(matrix):
    """The DDL has ended the transaction, so that each statement after it stays."""
    first = next(
        n for n, each in enumerate(matrix.sent, 1) if each.sql.startswith("UPDATE rlops_part SET state = 'deleting'")
    )
    matrix.cut(first, "answered")
    assert (matrix.problems, matrix.struck) == ([], 1)


@pytest.mark.torture
@pytest.mark.parametrize("what", ["kill", "cut"])
@pytest.mark.parametrize("matrix", SCENARIOS, indirect=True)
def test_every_point(matrix, what, record_property):
    strike, points = (matrix.kill, kills(matrix.sent)) if what == "kill" else (matrix.cut, cuts(matrix.sent))
    for number, point in points:
        strike(number, point)
    record_property("statements", len(matrix.sent))
    record_property("points", len(points))
    record_property("points struck", matrix.struck)
    record_property("problems", len(matrix.problems))
    assert matrix.problems == []
