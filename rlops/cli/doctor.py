"""rlops doctor."""

from __future__ import annotations

from rlops import sqlfiles
from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.db import without_schema
from rlops.errors import Denied
from rlops.ops import doctor as op
from rlops.plan import Answer

app = new_app()


@command(app, "doctor")
def doctor(session: Session) -> Answer:
    """Show what each command needs, and whether this account, schema and server have it.

    Example:  [bold]rlops doctor --url mysql://user@host/shop[/bold]
    """
    target = session.target
    try:
        return session.read(lambda db, sql: op.doctor(db, sql, target))
    except Denied as error:
        if error.code not in ("unknown_database", "database_denied"):
            raise
        unreachable = (
            "it does not exist"
            if error.code == "unknown_database"
            else "it does not exist, or the account has no right on it"
        )
    # All else can be examined without the schema.
    session.target = without_schema(target)
    try:
        with session.connect(need_schema=False) as db:
            db.schema = target.database or ""
            return op.doctor(db, sqlfiles.load(target.sql_dir, db.family), target, unreachable)
    finally:
        session.target = target
