"""rlops doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops import sqlfiles
from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.db import without_schema
from rlops.errors import Denied
from rlops.ops import doctor as op
from rlops.plan import Answer

app = new_app()


@command(app, "doctor")
def doctor(
    session: Session,
    grants: Annotated[
        bool, typer.Option("--grants", help="Print the least-privileged operator account for each command, as SQL.")
    ] = False,
) -> Answer:
    """Show what each command needs, and whether this account, schema and server have it.

    Example:  [bold]rlops doctor --url mysql://user@host/shop[/bold]
    """
    target = session.target
    try:
        return session.read(lambda db, sql: op.doctor(db, sql, target, with_accounts=grants))
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
            sql = sqlfiles.load(target.sql_dir, db.family)
            return op.doctor(db, sql, target, unreachable, with_accounts=grants)
    finally:
        session.target = target
