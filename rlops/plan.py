"""What a command is going to do, and what it did: frozen values that are shown, hashed, run and rendered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from rlops.db import Database
from rlops.errors import Exit, RlopsError
from rlops.events import Emit
from rlops.sqlfiles import Statement

StepStatus = Literal["planned", "done", "stopped", "failed", "unknown", "untouched", "skipped"]


@dataclass(frozen=True)
class Expect:
    """A fact that holds once a step is carried out; what settles a step whose answer was lost.

    For the kind "query" the name is an SQL query that is true by then; for "trigger" the table is the one that it is on.
    """

    kind: Literal["table", "foreign_key", "trigger", "partitions", "query"]
    table: str
    name: str = ""
    present: bool = True

    def __str__(self) -> str:
        if self.kind == "query":
            return self.name
        kinds = {"foreign_key": "foreign key", "trigger": "trigger", "partitions": "partitions"}
        what = f"table {self.table}" if self.kind == "table" else f"{kinds[self.kind]} {self.name} of {self.table}"
        return f"{what} {'exists' if self.present else 'is gone'}"


@dataclass(frozen=True)
class Chunk:
    """One transaction of a long step: rows touched, the position behind them, and whether it was the last.

    The position is of what JSON holds, and another run may go on from it. `late` are those of the rows that came
    behind a position that was passed already; `sessions` worked on the rows at once, each on its share.
    """

    rows: int
    position: Any
    last: bool
    late: int = 0
    sessions: int = 1


class Work(Protocol):
    """A long step that proceeds in chunks, each its own transaction, each safe to repeat."""

    @property
    def total(self) -> int | None:
        """Rows expected, for the progress bar; None when nobody knows."""

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Do the chunk of about `size` rows behind position `after` (None: the start), in the caller's transaction."""


@runtime_checkable
class Telling(Protocol):
    """A work some of whose chunks take long, and tell what they are at by the run's means."""

    tell: Emit


@runtime_checkable
class Closing(Protocol):
    """A work that has something to close at its end, however that comes."""

    def close(self) -> None:
        """Never raises."""


@dataclass(frozen=True)
class Order:
    """A job as a plan describes it. `parameters` are what JSON holds, and stay as they were when the job began.

    Of one kind and subject only one job is open. `command` is what goes on with it; `policy` the fingerprint of the
    sections of the policy that it depends on.
    """

    kind: str
    command: str
    policy: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""

    @property
    def about(self) -> tuple[str, str]:
        """What tells it from another job of the same statements."""
        return self.subject, repr(sorted(self.parameters.items()))


@dataclass(frozen=True)
class Step:
    """One step of a plan: a statement, or a long piece of work whose statement is repeated.

    `own` creates one of rlops' own tables, `records` writes to them alone; `checks_off` runs with
    foreign_key_checks = 0, `lenient` with a sql_mode that takes whatever a row can hold, which a trigger that it creates keeps;
    `touches` are the tables whose metadata locks it takes, which the shop's statements queue
    behind. A `repeatable` statement has the same effect twice as once, so that one whose answer was lost is sent again.
    `job` makes a long step's work outlive this run: the next one goes on where it stopped. `check` raises Refused where
    the statement is not to be sent after all, because of what has come since the plan was made.
    """

    name: str
    statement: Statement
    expect: tuple[Expect, ...] = ()
    work: Work | None = None
    job: Order | None = None
    own: bool = False
    records: bool = False
    checks_off: bool = False
    lenient: bool = False
    touches: tuple[str, ...] = ()
    repeatable: bool = False
    check: Callable[[Database], None] | None = None


@dataclass(frozen=True)
class Plan:
    """What a command is going to do. `data` is the command's own part of the JSON document.

    `question` is what the user is asked before a step that destroys; with `name_database` a yes is not enough.
    `again` is the command that goes on after a failure; `account` adds to `data` what the steps did, however they ended.
    `stand_ins`: the interactions and the tables that they, or rows of theirs, change places with, on each replica too.
    """

    command: str
    steps: tuple[Step, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    question: str = ""
    name_database: bool = False
    again: str = ""
    journaled: bool = True
    account: Callable[[Sequence[StepResult]], Mapping[str, Any]] | None = None
    stand_ins: tuple[str, ...] = ()

    @property
    def destroys(self) -> bool:
        """Whether some step destroys, so that a yes is needed."""
        return any(step.statement.kind == "destroy" for step in self.steps)

    @property
    def hash(self) -> str:
        """Identifies the statements, their order and what their jobs are about, but not names with a time in them."""
        identities = "\n".join(
            "\0".join((step.statement.file, step.statement.identity, *(step.job.about if step.job else ())))
            for step in self.steps
        )
        return hashlib.sha256(identities.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class StepResult:
    """What became of one step; `seconds` is wall time, `paused_seconds` the part of it spent waiting.

    `job` is the number of the job that it was part of, `left` an estimate of the rows that the job has still to do.
    """

    name: str
    file: str
    status: StepStatus
    sql: str = ""
    rows: int | None = None
    seconds: float | None = None
    error: str | None = None
    needs: str = ""
    locks: str = ""
    algorithm: str = ""
    chunks: int = 0
    paused_seconds: float = 0.0
    late_rows: int = 0
    job: int | None = None
    resumed: bool = False
    left: int | None = None


def not_run(db: Database, step: Step, status: Literal["planned", "untouched"]) -> StepResult:
    """A step that nobody has begun, with its statement's text as it would be sent."""
    said = step.statement
    return StepResult(
        step.name, said.file, status, db.text(said.sql, said.values),
        needs=said.needs, locks=said.locks, algorithm=said.algorithm,
    )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """Everything a command has to say; rendered as a table or as the one JSON document."""

    command: str
    exit: Exit = Exit.OK
    data: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[StepResult, ...] = ()
    dry_run: bool = False
    headline: str = ""
    notes: tuple[str, ...] = ()
    next: str = ""
    plan_hash: str = ""
    error: RlopsError | None = None
