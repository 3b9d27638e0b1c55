"""One command's run: its target, its connection, its questions, and the way to stdout."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rlops import engines, journal, lock, policy, render, run, settings, sqlfiles
from rlops.connect import require_tls
from rlops.db import Database, connect
from rlops.errors import Exit, Refused
from rlops.ops import requirements
from rlops.plan import Answer, Plan, StepResult

if TYPE_CHECKING:
    from rlops.cli.options import Common

READ_LIMIT = 60.0  # seconds that one statement of a reading command may take on the server

Planner = Callable[[Database, sqlfiles.SqlFolder], Plan]
Reader = Callable[[Database, sqlfiles.SqlFolder], Answer]


class Session:
    """Gives a command its target and connection, and shows its answer."""

    def __init__(self, command: str, common: Common) -> None:
        self.command = command
        self.common = common
        self.screen = render.Screen(common.output, quiet=common.quiet, verbose=common.verbose, no_color=common.no_color)
        self.engine: engines.Engine | None = None

    @cached_property
    def target(self) -> settings.Target:
        """Where to, by options, variables, profile, option files. Raises Usage or Refused."""
        from rlops.sandbox import state

        target = settings.resolve(
            self.common.connection, environ=os.environ, cwd=Path.cwd(), home=Path.home(),
            ask=getpass.getpass if sys.stdin.isatty() else None, sandbox=state.settings_of,
        )  # fmt: skip
        for warning in target.warnings:
            self.screen.note(warning)
        if any(source.startswith("sandbox") for source in target.sources.values()):
            self.screen.note(f"using the sandbox at {target.place}, schema {target.database}")
        return target

    @contextmanager
    def connect(self, *, statement_limit: float | None = READ_LIMIT, need_schema: bool = True) -> Iterator[Database]:
        """A connection for this command; TLS is required over a network in production."""
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
        said, known = self.target.environment, journal.recorded(db).get("environment")
        if "production" in (said, known):
            return "production"
        return known or said or "production"

    def read(self, reader: Reader) -> Answer:
        """Run a reading operation."""
        with self.connect() as db:
            return reader(db, sqlfiles.load(self.target.sql_dir, db.family))

    def write(
        self, planner: Planner, after: Callable[[Database, sqlfiles.SqlFolder, Answer], Answer] | None = None
    ) -> Answer:
        """Plan; show the plan (--dry-run) or ask, take the run lock, plan again and run.

        `after` completes the answer by looking at the result. Raises Refused when a yes is needed and missing, or
        when the plan changed while it was being confirmed.
        """
        with self.connect(statement_limit=None) as db:
            sql = sqlfiles.load(self.target.sql_dir, db.family)
            plan = self._complete(planner(db, sql), db, sql)
            lacking = requirements.check(db, plan.command, sql) if plan.steps else None
            if self.common.dry_run or not plan.steps:
                answer = self._planned(plan, db, (lacking.message,) if lacking else ())
                return after(db, sql, answer) if after and not self.common.dry_run else answer
            if lacking:
                raise lacking
            self._confirm(plan)
            options = run.RunOptions(journal.Actor.current(), self.common.ticket, self.common.retry_for)
            with lock.run_lock(db):
                again = self._complete(planner(db, sql), db, sql)
                if plan.destroys and again.hash != plan.hash:
                    raise Refused(
                        "the plan changed while it was being confirmed", f"Look again: `{plan.again} --dry-run`."
                    )
                with self.screen.progress() as emit:
                    answer = run.execute(db, again, options, emit)
                return after(db, sql, answer) if after and answer.exit is Exit.OK else answer

    def _complete(self, plan: Plan, db: Database, sql: sqlfiles.SqlFolder) -> Plan:
        # A plan that writes needs rlops' own tables first, for the journal.
        own = journal.missing_steps(db, sql) if plan.steps else ()
        return replace(plan, steps=(*own, *plan.steps))

    def _planned(self, plan: Plan, db: Database, lacking: tuple[str, ...]) -> Answer:
        steps = tuple(
            StepResult(
                s.name, s.statement.file, "planned", db.text(s.statement.sql, s.statement.values),
                needs=s.statement.needs, locks=s.statement.locks,
            )
            for s in plan.steps
        )  # fmt: skip
        return Answer(
            plan.command,
            Exit.OK,
            dict(plan.data),
            steps,
            self.common.dry_run,
            notes=(*plan.notes, *lacking) if steps else (),
            plan_hash=plan.hash,
        )

    def _confirm(self, plan: Plan) -> None:
        schema = self.target.database or ""
        if self.common.confirm is not None and self.common.confirm != schema:
            raise Refused(
                f"--confirm names {self.common.confirm!r}, but the schema is {schema!r}",
                "Nothing was changed.",
                "wrong_confirm",
            )
        if self.common.confirm == schema or not (plan.destroys or plan.name_database):
            return
        if plan.name_database:
            flag, expected = f"--confirm {schema}", schema
        elif self.common.yes:
            return
        else:
            flag, expected = "--yes", "yes"
        if not sys.stdin.isatty() or self.common.output is render.Output.JSON:
            raise Refused(
                f"{plan.question or plan.command} needs a yes, and there is none", f"Add {flag}.", "needs_confirmation"
            )
        self.screen.plan(plan)
        if self.screen.ask(f"{plan.question} Type {expected!r} to go on: ") != expected:
            raise Refused("not confirmed; nothing was changed", "", "not_confirmed")

    def policy(self) -> policy.Policy:
        """The policy of the SQL folder in use."""
        return policy.load((self.target.sql_dir or sqlfiles.default_root()) / "policy.toml")

    def show(self, answer: Answer) -> None:
        """Write the answer to stdout, the error to stderr."""
        described = self.__dict__["target"].describe() if "target" in self.__dict__ else {}
        render.show(self.screen, answer, described, self.engine)
