"""Real servers for the tests: each engine is started when the first test wants it, once a session, and one at a time.

Faults are injected into the newer series of an engine. What is left out on an engine runs where it is named, and in
`make torture`.

RLOPS_TEST_ENGINES (a comma list) restricts the engines; RLOPS_TEST_SERVERS (mysql:// URLs, separated by spaces) adds
servers that run already. An engine that can't be had skips its tests, loudly, and fails them when CI is set.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, unquote, urlsplit

import certificates
import installed
import pymysql
import pymysql.cursors
import pytest
from xdist.scheduler import LoadScopeScheduling

from rlops.__main__ import main
from rlops.errors import Failed
from rlops.sandbox.cache import cache_dir
from rlops.sandbox.provision import LABELS, provide
from rlops.sandbox.server import RunningServer, start

# What a crash of the machine would lose doesn't matter to a test.
FAST = ("--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--innodb-doublewrite=0")
OLDER, SLOWEST = "mariadb-10.11", "seekdb"
# Files, and a folder, whose tests have shown no difference there; `make torture` runs them there, too.
LEFT_OUT = {
    OLDER: (
        "faults", "archive", "archive_place", "archive_restore", "backups", "calendar", "cleanup", "erase", "maintain", "merge",
        "monitor_health", "monitor_record", "partition", "partition_offline", "purge", "purge_archived", "retention", "seed",
        "verify_data",
    ),
    SLOWEST: (
        "archive", "archive_faults", "archive_place", "archive_restore", "backups", "calendar", "erase", "maintain", "merge",
        "monitor_record", "purge_archived", "retention", "verify_data",
    ),
}  # fmt: skip
CACHE = cache_dir()  # before any test turns the environment upside down

missing_engines = pytest.StashKey[dict[str, str]]()
_installed: dict[tuple[str, ...], installed.Statements] = {}


class Server(Protocol):
    """What a test may ask of any server; one of ours (RunningServer) can also be killed and restarted."""

    label: str
    family: str

    def connect_args(self) -> dict[str, Any]: ...


@dataclass
class RemoteServer:
    """A server that somebody else runs, named in RLOPS_TEST_SERVERS."""

    url: str
    label: str

    def connect_args(self) -> dict[str, Any]:
        parts = urlsplit(self.url)
        found = {"host": parts.hostname, "port": parts.port or 3306, "charset": "utf8mb4"}
        return found | {"user": unquote(parts.username or "root"), "password": unquote(parts.password or "")}

    @cached_property
    def family(self) -> str:
        with pymysql.connect(**self.connect_args()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            (version,) = cursor.fetchone()
        return next((name for name in ("mariadb", "oceanbase", "tidb") if name in version.lower()), "mysql")


def connect_args(server: Server) -> dict[str, Any]:
    """For PyMySQL, which makes a TLS context for each connection otherwise: that takes longer than the rest of it."""
    plain = {"ssl_disabled": True} if isinstance(server, RunningServer) else {}
    return {**server.connect_args(), **plain}


class Answer(NamedTuple):
    """What a run of the command line gave back."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass
class ShopDatabase:
    """A schema with a shop in it: 20 users and 20 products."""

    server: Server
    name: str
    home: Path
    opened: list[pymysql.Connection] = field(default_factory=list)

    def connect(self, **overrides: Any) -> pymysql.Connection:
        """As root, autocommit, with rows as dictionaries; closed after the test."""
        limits = {"init_command": "SET ob_query_timeout = 60000000"} if self.server.family == "oceanbase" else {}
        arguments = {"database": self.name, "autocommit": True, "cursorclass": pymysql.cursors.DictCursor}
        connection = pymysql.connect(**connect_args(self.server) | arguments | limits | overrides)
        self.opened[:] = [each for each in self.opened if each.open] + [connection]  # a closed one keeps its last rows
        return connection

    def query(self, sql: str, arguments: Any = None) -> list[dict[str, Any]]:
        """One statement's rows, on a connection of its own."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return list(cursor.fetchall())

    @property
    def url(self) -> str | None:
        """For --url; None where the server has only a socket."""
        if isinstance(self.server, RemoteServer):
            return urlsplit(self.server.url)._replace(path="/" + quote(self.name, safe="")).geturl()
        return f"mysql://root@127.0.0.1:{self.server.port}/{quote(self.name, safe='')}" if self.server.port else None

    @property
    def options(self) -> tuple[str, ...]:
        """The command line's options that name this schema (a remote one's password stays out of them)."""
        if isinstance(self.server, RemoteServer):
            return ()
        if self.url:
            return ("--url", self.url)
        return ("--socket", str(self.server.socket), "--user", "root", "--database", self.name)

    def install(self, environment: str = "development") -> None:
        """What a first `rlops migrate --environment …` leaves: it runs once on a server, and is copied from then on."""
        first = (self.server.label, str(self.server.connect_args()), environment)  # a port is given again
        if first in _installed:
            installed.repeat(self, _installed[first])
        else:
            self.cli("migrate", "--environment", environment)
            _installed[first] = installed.learn(self)

    def cli(
        self, *arguments: str, env: Mapping[str, str] | None = None, check: int | None = 0, stdin: str = ""
    ) -> Answer:
        """Run `rlops <arguments> <connection options>` in an empty home; `check` is the exit code to insist on."""
        remote = {"RLOPS_URL": self.url} if isinstance(self.server, RemoteServer) else {}
        return run_cli(
            *arguments, *self.options, home=self.home, env={**remote, **(env or {})}, check=check, stdin=stdin
        )


def run_cli(
    *arguments: str, home: Path, env: Mapping[str, str] | None = None, check: int | None = 0, stdin: str = ""
) -> Answer:
    """Run `rlops` with `home` as its home and working folder, and with nothing else of this environment but PATH.

    In this very process where that can be told from nothing but the time it takes; a thread gets a process of its own.
    """
    clean = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "RLOPS_CACHE": str(CACHE)}
    here = threading.current_thread() is threading.main_thread()
    answer = (_in_process if here else _as_process)(arguments, home, clean | dict(env or {}), stdin)
    if check is not None:
        assert answer.returncode == check, f"rlops {' '.join(arguments)}\n{answer.stdout}\n{answer.stderr}"
    return answer


def _as_process(arguments: tuple[str, ...], home: Path, env: Mapping[str, str], stdin: str) -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "rlops", *arguments],
        check=False, cwd=home, env=env, input=stdin, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def _in_process(arguments: tuple[str, ...], home: Path, env: Mapping[str, str], stdin: str) -> Answer:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in set(os.environ) - set(env):
            patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        patch.chdir(home)
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return Answer(int(code or 0), out.getvalue(), err.getvalue())


def wanted() -> list[str]:
    """The labels and URLs that `server` runs over."""
    if unknown := set(named()) - set(LABELS):
        raise pytest.UsageError(f"RLOPS_TEST_ENGINES: {', '.join(sorted(unknown))} not among {', '.join(LABELS)}")
    return [*(named() or LABELS), *os.environ.get("RLOPS_TEST_SERVERS", "").split()]


def named() -> list[str]:
    """The engines that somebody has asked for by their labels."""
    return [name.strip() for name in os.environ.get("RLOPS_TEST_ENGINES", "").split(",") if name.strip()]


def without_password(name: str) -> str:
    """A test's id: a label, or a URL's host and port."""
    return urlsplit(name).netloc.rpartition("@")[2] or name


@pytest.fixture(scope="session", params=wanted(), ids=without_password)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Every test that takes it runs on each engine; pytest groups the tests by it."""
    if "://" in request.param:
        yield RemoteServer(request.param, without_password(request.param))
        return
    with own_server(request.config, request.param, tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.fixture
def start_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RunningServer]]:
    """`start_server(label, *options)`: a server for one test alone, to kill, to restart, or to configure."""
    with ExitStack() as stack:

        def begin(label: str, *options: str) -> RunningServer:
            directory = tmp_path_factory.mktemp("own")
            return stack.enter_context(own_server(request.config, label, directory, *options))

        yield begin


@contextmanager
def own_server(config: pytest.Config, label: str, directory: Path, *options: str) -> Iterator[RunningServer]:
    try:
        build = provide(label, cache=CACHE, say=print)
    except Failed as failure:
        reason = failure.message.splitlines()[0]
        config.stash[missing_engines][label] = reason
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{label} can't be had: {reason} ({failure.hint})")
    fast = () if label == "seekdb" else FAST
    with start(build, directory, tcp=True, options=(*fast, *options), say=print) as started:
        yield started


@pytest.fixture
def make_database(server: Server, tmp_path: Path) -> Iterator[Callable[[str], ShopDatabase]]:
    """`make_database(name)`: a schema of that name with a shop in it, dropped after the test."""
    made: list[ShopDatabase] = []

    def make(name: str) -> ShopDatabase:
        home = tmp_path / f"home{len(made)}"
        home.mkdir()
        made.append(ShopDatabase(server, name, home))
        fill_shop(made[-1])
        return made[-1]

    yield make
    for database in made:
        for connection in database.opened:
            if connection.open:
                connection.close()
        if database.server.family == "oceanbase" and '"' in database.name:
            continue  # it makes such a schema, and can't parse its DROP
        with database.connect(database=None) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database.name)}")


@pytest.fixture
def database(make_database: Callable[[str], ShopDatabase]) -> ShopDatabase:
    """A schema of the test's own with a shop in it."""
    return make_database(f"t_{uuid.uuid4().hex[:12]}")


@pytest.fixture
def migrated(database: ShopDatabase) -> ShopDatabase:
    """A shop that has the three tables, recorded as development."""
    database.install()
    return database


@pytest.fixture
def root(database: ShopDatabase) -> Path:
    """Where the test's archive goes."""
    return database.home / "cold"


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    """A CA, a server's certificate and a client's."""
    return certificates.make(tmp_path_factory.mktemp("tls"))


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def fill_shop(database: ShopDatabase) -> None:
    with database.connect(database=None) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quoted(database.name)} CHARACTER SET utf8mb4")
        cursor.execute(f"USE {quoted(database.name)}")
        for table, column, value in (("users", "email", "user{}@example.com"), ("product", "name", "product {}")):
            cursor.execute(f"CREATE TABLE {table} (id BIGINT AUTO_INCREMENT PRIMARY KEY, {column} VARCHAR(255))")
            rows = [(number, value.format(number)) for number in range(1, 21)]
            cursor.executemany(f"INSERT INTO {table} (id, {column}) VALUES (%s, %s)", rows)


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell's background job starts inherits it ignored
    config.stash[missing_engines] = {}
    config.addinivalue_line("markers", "torture: takes minutes; runs only when RLOPS_TORTURE is set")
    config.addinivalue_line("markers", "clusters: wants three servers at once; runs only when RLOPS_CLUSTERS is set")
    config.addinivalue_line("markers", "tidb: wants a tidb-server, which is built; runs only when RLOPS_TIDB is set")


class ByEngine(LoadScopeScheduling):
    """Gives a file's tests of an engine to one worker, engine by engine, so that its server starts once; seekdb's to one.

    xdist's own loadgroup writes to an attribute that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        name, _, parameters = nodeid.partition("[")
        file = name.partition("::")[0]
        engine = next((each for each in map(without_password, wanted()) if each in parameters), "")
        return engine if engine == SLOWEST else f"{engine} {file}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByEngine:
    config.option.loadscopereorder = False  # by the number of tests: what takes longest would not come first
    return ByEngine(config, log)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not named():
        items.sort(key=lambda item: SLOWEST not in item.nodeid)  # its tests take longest, and one worker has them all
    for item in items:
        for label, files in LEFT_OUT.items():
            spared = {item.path.parent.name, item.path.stem.removeprefix("test_")} & {*files}
            if spared and label in item.nodeid and label not in named():
                item.add_marker("torture")
        if item.path.parent.name in ("clusters", "tidb"):
            item.add_marker(item.path.parent.name)
    for marker in ("torture", "clusters", "tidb"):
        if not os.environ.get(f"RLOPS_{marker.upper()}"):
            left_out = [item for item in items if item.get_closest_marker(marker)]
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    ended = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    for report in ended:
        if said := ", ".join(f"{name} {value}" for name, value in report.user_properties):
            terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {said}")
    for label, reason in config.stash[missing_engines].items():
        terminalreporter.write_line(f"NOT TESTED ON {label.upper()}: {reason}", red=True, bold=True)
