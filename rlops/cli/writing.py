"""How every writing command goes: plan, refuse, show or ask, lock, settle what died, plan again, run, look."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rlops import clock, journal, lock, nodes, planfile, reconcile, render, run, standing
from rlops.audit import AuditLog
from rlops.connect import require_tls
from rlops.db import NO_TABLE, Database, Forbidden, LockWait, Lost, ServerError
from rlops.errors import Blocked, Exit, Failed, Refused, RlopsError, Usage
from rlops.ops import requirements
from rlops.plan import Answer, Plan, not_run
from rlops.sqlfiles import SqlFolder
from rlops.stop import deferred
from rlops.throttle import Limits, Throttle

if TYPE_CHECKING:
    from rlops.cli.session import Session

Planner = Callable[[Database, SqlFolder], Plan]
After = Callable[[Database, SqlFolder, Answer], Answer]

NOT_ALL = "not every server of the cluster has the change yet"
CHANGING = 3.0  # seconds for which tables that come and go while they are looked at are looked at again


def write(
    session: Session,
    db: Database,
    sql: SqlFolder,
    planner: Planner,
    after: After | None,
    *,
    throttle: Throttle | None = None,
) -> Answer:
    """Carry a writing command through, or stop at its plan (--dry-run). `throttle` holds back long work.

    Raises Usage when a plan is to be written by a run, or the ticket is too long; Refused when a yes is missing, when the
    plan is not the reviewed one or changes while it is confirmed, or outside the maintenance window; Denied without a
    privilege; Blocked when another run holds the lock.
    """
    common = session.common
    if common.plan_out and not common.dry_run:
        raise Usage(
            "--plan-out is for --dry-run. Nothing was changed",
            f"Type `rlops {session.command} --dry-run --plan-out FILE`.",
        )
    if common.ticket and len(common.ticket) > journal.TICKET:
        raise Usage(f"--ticket has more than {journal.TICKET} characters. Nothing was changed", "Shorten it.")
    plan = _first_plan(planner, db, sql, common.retry_for)
    if plan.steps and not common.dry_run:
        standing.refuse(db)
    lacking = requirements.check(db, plan.command, sql) if plan.steps else None
    is_long = any(step.work for step in plan.steps)
    paced = throttle if is_long and not lacking else None
    unseen = paced.prepare(session.environment(db), plan.stand_ins) if paced else []
    unseen += filter(None, (standing.unseen(db),)) if plan.steps else ()
    ddl = (db.engine.can.ddl,) if db.engine.can.ddl and any(step.touches for step in plan.steps) else ()
    plan = replace(plan, notes=(*plan.notes, *ddl, *unseen))
    planned = _planned(plan, db, common.dry_run, (lacking.message,) if lacking else ())
    if common.plan:
        planfile.check(common.plan, planned, plan.again, db.schema)
    if common.dry_run:
        if common.plan_out:
            actor = journal.Actor.current()
            by, place = f"{actor.os_user}@{actor.host}", f"{db.engine}, {session.target.place}"
            planfile.write(Path(common.plan_out), planned, plan.again, place=place, schema=db.schema, actor=by)
        return planned
    if not plan.steps:
        return _nothing_to_do(db, sql, planned, after)
    if lacking:
        raise lacking
    options = _options(session, db, sql, throttle)
    _confirm(session, plan)
    with ExitStack() as stack:
        emit = stack.enter_context(session.screen.progress())
        stack.enter_context(lock.run_lock(db, common.retry_for, emit))
        settled = reconcile.settle(db)
        again = _plan(planner, db, sql)
        if (plan.destroys or common.plan) and again.hash != plan.hash:
            raise Refused(
                "the plan changed while it was being confirmed. Nothing was changed",
                f"Look again: `{plan.again} --dry-run`.",
            )
        answer = run.execute(db, again, options, emit) if again.steps else _planned(again, db, False, ())
        answer = replace(answer, notes=(*answer.notes, *unseen, *settled))
        if answer.exit is Exit.OK:
            with deferred():  # "nothing was changed" would be wrong by now
                if ddl and (behind := _behind(db, sql)):
                    answer = replace(answer, notes=(*answer.notes, f"{NOT_ALL}: {behind}"))
                if after and again.journaled:
                    _remember(db, sql, answer)
                answer = _look(after, db, sql, answer) if after else answer
        return answer


def _behind(db: Database, sql: SqlFolder) -> str | None:
    """Which server of the cluster has not followed yet; why it can't be known is told like that, since the run is over."""
    try:
        return nodes.disagreeing(db, sql, nodes.AGREE_WITHIN)
    except RlopsError as error:
        return error.message


def _look(after: After, db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    try:
        return after(db, sql, answer)
    except ServerError as error:
        problem = f"all steps are applied, but what they left could not be looked at: {error.message}"
        failed = Failed(problem, "Look with `rlops verify` and `rlops history`.", error.code)
        return replace(answer, exit=Exit.FAILED, error=failed)


def _remember(db: Database, sql: SqlFolder, answer: Answer) -> None:
    # For `verify --data`, which finds models that vanish; an account that may not read them leaves it to the next run.
    from rlops.ops import data  # not before it is needed: a run that writes nothing doesn't wait for its import

    with suppress(ServerError):
        data.remember_models(db, sql, answer.data.get("created", ()))


def _nothing_to_do(db: Database, sql: SqlFolder, planned: Answer, after: After | None) -> Answer:
    """Nothing but to settle what a run that died left in the journal, where no other run is at work.

    A replica shows as open what its source is just at, and a lock taken here doesn't know of it.
    """
    settled: list[str] = []
    if journal.anything_open(db) and not (standing.reason(db) or standing.unseen(db)):
        with suppress(Blocked, Forbidden), lock.run_lock(db):
            settled = reconcile.settle(db)
    answer = replace(planned, notes=(*planned.notes, *settled))
    return after(db, sql, answer) if after else answer


@contextmanager
def throttled(session: Session, db: Database, sql: SqlFolder) -> Iterator[Throttle | None]:
    """What long work looks at, with the policy's limits where no option says another; None for other commands."""
    common, policy = session.common, sql.policy.throttle
    if not common.long:
        yield None
        return
    limits = Limits(
        policy.replica_lag if common.max_lag is None else common.max_lag,
        policy.threads_running if common.max_threads is None else common.max_threads,
        policy.history_list,
        policy.redo_log,
        policy.apply_queue,
    )
    named, environment = session.target.replica, session.environment(db)
    replicas = None if named is None else [require_tls(replace(each, environment=environment)) for each in named]
    throttle = Throttle(db, sql, limits, replicas)
    try:
        yield throttle
    finally:
        throttle.close()


def _options(session: Session, db: Database, sql: SqlFolder, throttle: Throttle | None) -> run.RunOptions:
    common, closes_at = session.common, None
    if common.window:
        zone = sql.policy.writers_time_zone
        now = clock.writers_now(db, zone)
        closes_at = time.monotonic() + clock.seconds_between(db, zone, now, clock.closing(common.window, now))
    audit = AuditLog(Path(common.audit_log)) if common.audit_log else None
    return run.RunOptions(
        journal.Actor.current(), sql, common.ticket, common.retry_for, closes_at,
        common.max_time,
        Path(common.stop_file) if common.stop_file else None, throttle, audit,
    )  # fmt: skip


def _looked_at(planner: Planner, db: Database, sql: SqlFolder) -> Plan:
    """The plan; looked for again where a table came or went in mid-look, as another run's does in a first rollout."""
    deadline = time.monotonic() + CHANGING
    while True:
        try:
            return planner(db, sql)
        except Lost as error:
            error.message = (
                f"the connection was lost while the tables were looked at ({error.text}). Nothing was changed"
            )
            raise
        except LockWait as error:
            raise Blocked(
                f"the tables can't be looked at, since another session's lock is in the way ({error.text}). Nothing was changed",
                "Somebody's DDL waits or runs on them: type the same command again when it has ended.",
                "lock_wait",
            ) from error
        except ServerError as error:
            if error.number not in NO_TABLE:
                raise
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            raise Blocked(
                f"the tables changed while they were looked at ({error.text}). Nothing was changed",
                "Somebody else is at work here: look with `rlops history`, then type the same command again.",
                "changed_meanwhile",
            ) from error


def _first_plan(planner: Planner, db: Database, sql: SqlFolder, retry_for: float) -> Plan:
    """The plan as it is before the lock is held. What refuses it may be half a look at what a dead run's statement is changing."""
    try:
        return _plan(planner, db, sql)
    except Refused:
        lock.await_the_dead(db, retry_for)
        return _plan(planner, db, sql)


def _plan(planner: Planner, db: Database, sql: SqlFolder) -> Plan:
    plan = _looked_at(planner, db, sql)
    # A plan that writes needs rlops' own tables first, for the journal.
    own = journal.missing_steps(db, sql) if plan.steps and plan.journaled else ()
    return replace(plan, steps=(*own, *plan.steps))


def _planned(plan: Plan, db: Database, dry_run: bool, lacking: tuple[str, ...]) -> Answer:
    steps = tuple(not_run(db, step, "planned") for step in plan.steps)
    notes = (*plan.notes, *lacking) if steps else ()
    return Answer(plan.command, Exit.OK, dict(plan.data), steps, dry_run, notes=notes, plan_hash=plan.hash)


def _confirm(session: Session, plan: Plan) -> None:
    schema, common = session.target.database or "", session.common
    if common.confirm is not None and common.confirm != schema:
        problem = f"--confirm names {common.confirm!r}, but the schema is {schema!r}. Nothing was changed"
        raise Refused(problem, "Name the schema that you mean to change.", "wrong_confirm")
    if common.confirm == schema or not (plan.destroys or plan.name_database):
        return
    if common.yes and not plan.name_database:
        return
    flag, expected = (f"--confirm {schema}", schema) if plan.name_database else ("--yes", "yes")
    if not sys.stdin.isatty() or common.output is render.Output.JSON:
        problem = f"{plan.question or 'This'} It needs a yes, and nobody is there to give it. Nothing was changed"
        raise Refused(problem, f"Look at the plan with --dry-run, then add {flag}.", "needs_confirmation")
    session.screen.plan(plan)
    if session.screen.ask(f"{plan.question} Type {expected!r} to go on: ") != expected:
        raise Refused("not confirmed. Nothing was changed", f"Type `{plan.again}` to be asked again.", "not_confirmed")
