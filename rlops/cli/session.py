"""One command's run: its target, its connection, its questions, and the way to stdout."""

from __future__ import annotations

import getpass
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlops import engines, journal, render, settings, sqlfiles, standing
from rlops.cli import writing
from rlops.connect import require_tls
from rlops.db import Conflict, Damaged, Database, Forbidden, LockWait, connect
from rlops.errors import Blocked, Refused
from rlops.ops import requirements
from rlops.plan import Answer
from rlops.sandbox import STATE

if TYPE_CHECKING:
    from rlops.cli.options import Common

READ_LIMIT = 60.0  # seconds that one statement of a reading command may take on the server
ASK_FOR = 5.0  # seconds for which to ask something of a job that is just writing its own row on another node

Reader = Callable[[Database, sqlfiles.SqlFolder], Answer]


class Session:
    """Gives a command its target and connection, and shows its answer."""

    def __init__(self, command: str, common: Common) -> None:
        self.command = command
        self.common = common
        self.screen = render.Screen(common.output, quiet=common.quiet, verbose=common.verbose, no_color=common.no_color)
        self.engine: engines.Engine | None = None

    def part(self, command: str, **changes: Any) -> Session:
        """A session of another command with the same target, for a command that is made of several."""
        made = Session(command, replace(self.common, **changes))
        made.__dict__["target"] = self.target
        return made

    @cached_property
    def target(self) -> settings.Target:
        """Where to, by options, variables, profile, option files. Raises Usage or Refused."""
        target = settings.resolve(
            self.common.connection, environ=os.environ, cwd=Path.cwd(), home=Path.home(),
            ask=getpass.getpass if sys.stdin.isatty() else None, sandbox=_sandbox_of,
        )  # fmt: skip
        for warning in target.warnings:
            self.screen.note(warning)
        if any(source.startswith("sandbox") for source in target.sources.values()):
            self.screen.note(f"using the sandbox at {target.place}, schema {target.database}")
        return target

    @contextmanager
    def connect(
        self, *, statement_limit: float | None = READ_LIMIT, need_schema: bool = True, writes: bool = False
    ) -> Iterator[Database]:
        """A connection for this command; TLS is required over a network in production.

        On a node that is cut off from its cluster reading commands see what it still holds, and are told so. Raises Refused
        for those that write.
        """
        target = self.target
        if target.environment != "development":
            target = require_tls(target)
        with connect(
            target,
            program=f"rlops {self.command}",
            statement_limit=statement_limit,
            lock_wait=self.common.lock_wait,
            need_schema=need_schema,
        ) as db:
            self.engine = db.engine
            if problem := standing.cut_off(db):
                if writes and not self.common.dry_run:
                    raise standing.not_writable(problem)
                db.read_stale()
                self.screen.note(f"{problem}; what is read here may be old")
            if target.environment == "development" and self.environment(db) == "production":
                self._insist_on_tls(db)
            yield db

    def _insist_on_tls(self, db: Database) -> None:
        # The target itself says that it is production, whatever the options say.
        strict = require_tls(replace(self.target, environment="production"))
        if strict.ssl_mode != self.target.ssl_mode and not db.encrypted:
            raise Refused(
                f"{db.schema} is recorded as production, and this connection is not encrypted",
                "Say --ssl-mode REQUIRED, or --ssl-mode DISABLED if the network is yours alone.",
                "tls_required",
            )

    def environment(self, db: Database) -> str:
        """development or production: what was recorded in the target, which options can only make stricter."""
        said = self.target.environment
        try:
            known = journal.recorded(db).get("environment")
        except (Forbidden, Damaged):
            known = "production"  # what can't be read can't have been made less strict
        if "production" in (said, known):
            return "production"
        return known or said or "production"

    def read(self, reader: Reader) -> Answer:
        """Run a reading operation."""
        with self.connect() as db:
            return reader(db, sqlfiles.load(self.target.sql_dir, db.family))

    def write(self, planner: writing.Planner, after: writing.After | None = None) -> Answer:
        """Run a writing operation: `planner` plans it, `after` completes the answer by looking at the result."""
        with self.connect(statement_limit=None, writes=True) as db:
            sql = sqlfiles.load(self.target.sql_dir, db.family)
            with writing.throttled(self, db, sql) as throttle:
                return writing.write(self, db, sql, planner, after, throttle=throttle)

    def ask_of_a_job(self, ask: Callable[[Database], Answer]) -> Answer:
        """Run an operation that changes a job's row alone, whoever holds the run lock. Raises Denied, Refused, Blocked."""
        with self.connect(writes=True) as db:
            sql = sqlfiles.load(self.target.sql_dir, db.family)
            if not self.common.dry_run:
                standing.refuse(db)
            if lacking := requirements.check(db, "jobs", sql):
                raise lacking
            deadline = time.monotonic() + ASK_FOR
            while True:
                try:
                    return ask(db)
                except (LockWait, Conflict) as error:  # a conflict is the run's chunk on another node
                    if isinstance(error, LockWait) or time.monotonic() >= deadline:
                        problem = "the job's run is just noting its watermark. Nothing was changed"
                        raise Blocked(problem, "Type the same command again.", "lock_wait") from error
                    time.sleep(random.uniform(0.01, 0.1))  # noqa: S311

    def show(self, answer: Answer) -> int:
        """Write the answer to stdout, the error to stderr; returns the exit code."""
        return render.show(self.screen, answer, self.described, self.engine)

    @property
    def described(self) -> Mapping[str, Any]:
        """The target as the JSON document tells it; empty while it isn't known."""
        return self.__dict__["target"].describe() if "target" in self.__dict__ else {}


def _sandbox_of(cwd: Path) -> Mapping[str, str] | None:
    if not os.path.lexists(cwd / STATE):
        return None  # and the sandbox's modules are not imported, which takes longer than the look
    from rlops.sandbox import state

    return state.settings_of(cwd)
