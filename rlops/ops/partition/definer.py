"""The account that the integrity triggers run as: one of their own, locked, where this operator may make it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rlops import facts, privileges
from rlops.db import Database
from rlops.errors import Denied, Refused, RlopsError
from rlops.holdings import GRANT_OPTION, Account, Holdings
from rlops.ops import form
from rlops.plan import Step
from rlops.settings import Secret
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Finding

DEDICATED = Account("rlops_integrity", "localhost")
SETS_DEFINER = {"mysql": ("SET_ANY_DEFINER", "SET_USER_ID", "SUPER"), "mariadb": ("SET USER", "SUPER")}
CHILD = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRIGGER")
PARENT = ("SELECT", "TRIGGER")
MEND = "rlops partition enable --offline"  # puts back what is missing of the integrity of a partitioned table


@dataclass(frozen=True)
class Definer:
    """The account; `dedicated` outlives the operator, and `exists` already."""

    account: Account
    dedicated: bool
    exists: bool

    @property
    def sql(self) -> Keywords:
        """The account as a statement takes it."""
        return Keywords((f"{quote(self.account.user)}@{quote(self.account.host or '%')}",))

    def note(self) -> str:
        """What to know about it."""
        if self.dedicated:
            return f"the triggers run as {self.account}, a locked account that nobody logs in with"
        return (
            f"the triggers run as {self.account}, since this operator may not make an account for them: dropping it, or"
            " its rights on these tables, would make every deletion of a user or product fail (1449, 1142)"
        )


def recorded(db: Database) -> Definer | None:
    """The account that the triggers were made to run as, by the record."""
    known = form.recorded(db).definer
    if not known:
        return None
    user, _, host = known.rpartition("@")
    account = Account(user, host)
    return Definer(account, account == DEDICATED, exists=True)


def choose(db: Database, tables: Iterable[str]) -> Definer:
    """The recorded account, else a dedicated one where this operator can make and grant it, else the operator.

    A recorded account that this operator may not see is taken to be there.
    """
    known = recorded(db)
    if known and _exists(db, known.account, unseen=True):
        return known
    if _can_make(db, privileges.own(db), tables):
        return Definer(DEDICATED, dedicated=True, exists=_exists(db, DEDICATED, unseen=False))
    return Definer(privileges.current(db), dedicated=False, exists=True)


def refuse_unusable(db: Database, by: Definer) -> None:
    """Refuse where this operator may make no trigger that runs as that account."""
    me = privileges.current(db)
    if by.account == me or _sets(db, privileges.own(db)):
        return
    raise Refused(
        f"the triggers run as {by.account}, and this account may make none that runs as another. Nothing was changed",
        f"GRANT {setting(db)} ON *.* TO {me}, and GRANT OPTION on {quote(db.schema)}.*; or let the operator who made them do this.",
        "definer",
    )


def setting(db: Database) -> str:
    """The privilege to make triggers that run as another account, as this version calls it."""
    words = SETS_DEFINER[db.family]
    return words[1] if db.family == "mysql" and db.engine.numbers < (8, 2) else words[0]


def _sets(db: Database, held: Holdings) -> bool:
    return any(held.has(word) for word in SETS_DEFINER.get(db.family, ()))


def _can_make(db: Database, held: Holdings, tables: Iterable[str]) -> bool:
    return (
        _sets(db, held)
        and held.has("CREATE USER")
        and all(held.has(GRANT_OPTION, db.schema, table) for table in tables)
    )


def _exists(db: Database, account: Account, *, unseen: bool) -> bool:
    """Whether it is there; `unseen` where this operator may not see that."""
    try:
        return privileges.held_by(db, account) is not None
    except Denied:
        return unseen
    except RlopsError:
        return False


def _held(db: Database, definer: Definer) -> Holdings:
    """What is seen of what it holds. Raises Denied where that can't be seen of an account that isn't dedicated."""
    try:
        return (privileges.held_as_definer(db, definer.account) if definer.exists else None) or Holdings()
    except Denied:
        if not definer.dedicated:
            raise
        return Holdings()


def steps(db: Database, sql: SqlFolder, definer: Definer, grants: Mapping[str, tuple[str, ...]]) -> Iterator[Step]:
    """Make the account where it is missing, and give it what it lacks on each table. Both may be repeated.

    Raises Refused where this operator may not give that, or the account isn't one of rlops' own, which is given nothing.
    """
    lacking = _lacking(db, _held(db, definer), grants)
    if not definer.dedicated:
        if lacking:
            _refuse_lacking(db, definer.account, lacking)
        return
    mine = privileges.own(db)
    if not definer.exists:
        names = {"definer": definer.sql}
        made = sql.statement("partition/010_create_definer", names, {"password": _password()}, volatile=("password",))
        yield Step(f"create {definer.account}, locked, for the triggers", made)
    for table in lacking:
        if not mine.has(GRANT_OPTION, db.schema, table):
            raise Refused(
                f"the triggers run as {definer.account}, which this account may give no right on {table}. Nothing was changed",
                f"GRANT GRANT OPTION ON {quote(db.schema)}.* TO {privileges.current(db)}, or let an administrator do this.",
                "definer",
            )
        words = Keywords(_grantable(db, table, grants[table]))
        given: dict[str, Any] = {"definer": definer.sql, "table": table, "privileges": words}
        grant = sql.statement("partition/020_grant_definer", given)
        yield Step(f"grant {definer.account} what the triggers do to {table}", grant)


def _lacking(db: Database, held: Holdings, grants: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What is lacking of the grants, by table."""
    found = {t: tuple(word for word in words if not held.has(word, db.schema, t)) for t, words in grants.items()}
    return {table: words for table, words in found.items() if words}


def _grantable(db: Database, table: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words as a GRANT takes them: on a table to come only CREATE can be granted, and others with it."""
    return words if facts.table_exists(db, table) else ("CREATE", *words)


def _grant(db: Database, account: Account, table: str, words: tuple[str, ...]) -> str:
    return f"GRANT {', '.join(_grantable(db, table, words))} ON {quote(db.schema)}.{quote(table)} TO {account}"


def _refuse_lacking(db: Database, account: Account, lacking: Mapping[str, tuple[str, ...]]) -> NoReturn:
    lacks = "; ".join(f"{', '.join(words)} on {table}" for table, words in lacking.items())
    roles = "no role counts" if db.family == "mariadb" else "of roles only the default ones count"
    raise Refused(
        f"the triggers run as {account}, and would fail every statement that fires them (1142): it lacks {lacks} ({roles}"
        " for triggers). Nothing was changed",
        "An administrator runs:\n" + "\n".join(f"{_grant(db, account, t, words)};" for t, words in lacking.items()),
        "definer",
    )


def take_back(db: Database, sql: SqlFolder, definer: Definer, tables: Iterable[str]) -> Iterator[Step]:
    """Take from the dedicated account what it is seen to hold on tables that are gone."""
    held = _held(db, definer) if definer.dedicated else Holdings()
    for table in tables:
        words = sorted({word for grant in held.on_table(db.schema, table) for word in grant.privileges})
        if words:
            given: dict[str, Any] = {"definer": definer.sql, "table": table, "privileges": Keywords(tuple(words))}
            revoke = sql.statement("partition/730_revoke_definer", given)
            yield Step(f"take from {definer.account} what it held on {table}", revoke)


def _password() -> Secret:
    letters = string.ascii_letters + string.digits
    return Secret("Aa1-" + "".join(secrets.choice(letters) for _ in range(28)))


def findings(db: Database, account: Account, grants: Mapping[str, tuple[str, ...]], mend: str) -> Iterator[Finding]:
    """What the definer lacks: without it the shop's statements that fire the triggers fail. Raises Denied where it may not be seen.

    `mend` is the command that makes the account anew, and gives the dedicated one what it lacks.
    """
    held = privileges.held_as_definer(db, account)
    if held is None:
        yield Finding("definer", str(account), "an account", "absent", mend)
        return
    for table, words in _lacking(db, held, grants).items():
        hint = mend if account == DEDICATED else _grant(db, account, table, words)
        yield Finding("definer", f"{account} on {table}", ", ".join(grants[table]), f"lacks {', '.join(words)}", hint)
