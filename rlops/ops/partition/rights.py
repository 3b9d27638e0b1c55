"""What the accounts need that rlops' triggers run as: by the triggers that are there, whichever form or change they serve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from rlops.db import Database, Forbidden
from rlops.errors import Denied, Refused
from rlops.holdings import Account
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import change, definer, drift, integrity
from rlops.ops.partition.change import COMMANDS, GIVE_UP, OLD, SHADOW
from rlops.plan import Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import Finding


def lacking(db: Database, sql: SqlFolder) -> Iterator[Finding]:
    """What these accounts lack. Raises Denied where the triggers, or what an account holds, may not be seen."""
    each = integrity.the_child(sql)
    there = integrity.live(db, (INTERACTIONS, *each.parents)).values()
    for shown in sorted({trigger.definer for trigger in there}):
        user, _, host = shown.rpartition("@")
        account = Account(user, host)
        names = [trigger.name for trigger in there if trigger.definer == shown]
        yield from definer.findings(db, account, integrity.grants(each, *_besides(names)), _mend(db, account))


def findings(db: Database, sql: SqlFolder) -> tuple[list[Finding], list[str]]:
    """Where the triggers or their accounts' rights aren't as the live form wants them, and what this account may not see."""
    try:
        found, notes = drift.findings(db, sql)
    except Denied as error:
        return [], [f"triggers: denied ({error.hint})"]
    try:
        return [*lacking(db, sql), *found], notes
    except Denied as error:
        return found, [*notes, f"the triggers' account: denied ({error.message})"]


def refuse_lacking(db: Database, sql: SqlFolder) -> None:
    """Refuse to let the tables change places where an account is seen to lack something: writes would go on failing."""
    if found := _seen(db, sql):
        problem = f"{found[0].object}, as which the triggers run: {found[0].actual}, so writes fail (1142, 1449)"
        raise Refused(f"{problem}. Nothing was changed", found[0].hint, "definer")


def mending(db: Database, sql: SqlFolder, *besides: str) -> list[Step]:
    """The steps that give the account what it is seen to lack, on these tables too. Raises Refused as definer.steps does."""
    if not _seen(db, sql):
        return []
    each = integrity.the_child(sql)
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    return list(definer.steps(db, sql, by, integrity.grants(each, *besides)))


def _seen(db: Database, sql: SqlFolder) -> list[Finding]:
    with suppress(Denied):
        return list(lacking(db, sql))
    return []


def _besides(names: list[str]) -> tuple[str, ...]:
    """The tables that triggers of these names write to, or will, besides the interactions."""
    if any(name.startswith(integrity.CAPTURE) for name in names):
        return (SHADOW, OLD)
    return (OLD,) if any(name.startswith(integrity.REVERSE) for name in names) else ()


def _mend(db: Database, account: Account) -> str:
    """The command that makes the account anew, or lets go of the triggers that run as one which rlops doesn't make."""
    dedicated = account == definer.DEDICATED
    with suppress(Forbidden):
        if at := change.under_way(db):
            if not dedicated or at.phase == "aborting":
                return GIVE_UP
            waits = at.phase in ("compared", "postponed")  # to mend it shouldn't let the tables change places
            return COMMANDS[at.direction] + (" --postpone-cut-over" if waits else "")
        direction = change.kept(db)
        if change.is_old_dropped(db) or (direction and not dedicated):
            return "rlops partition finish"
        if direction == "disable":
            return COMMANDS["disable"]
    return definer.MEND
