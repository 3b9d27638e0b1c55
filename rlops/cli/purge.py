"""rlops purge."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.archive import Moved, To, request
from rlops.cli.options import command, new_app
from rlops.cli.parents import IDS, told_apart
from rlops.cli.session import Session
from rlops.db import Database
from rlops.errors import Usage
from rlops.ops import purge as op
from rlops.plan import Answer, Plan
from rlops.sqlfiles import SqlFolder

app = new_app()


@command(app, "purge", writes=True, long=True, without=("user",))
def purge(
    session: Session,
    *,
    users: Annotated[
        list[str] | None,
        typer.Option("--user", help="Whose interactions go; what is no number is the account's name.", metavar="ID"),
    ] = None,
    product: Annotated[
        int | None,
        typer.Option("--product", min=IDS[0], max=IDS[1], help="Which product's interactions go.", metavar="ID"),
    ] = None,
    to: To = None,
    moved: Moved = False,
) -> Answer:
    """Remove one user's or product's interactions in short transactions, so that the shop's DELETE cascades into nothing.

    They are archived first if the policy says so ([archive] purged); only then --to and --moved count.

    Example:  [bold]rlops purge --product 4711 --dry-run[/bold]
    """
    numbers, account = told_apart(users or [])
    if len(numbers) > 1:
        raise Usage("--user names one user by number and, where needed, one account by name")
    user = numbers[0] if numbers else None
    op.require_one(user, product)
    session.common.connection["user"] = account

    def plan(db: Database, sql: SqlFolder) -> Plan:
        if not sql.policy.archive.purged:
            return op.plan(db, sql, user, product, session.environment(db))
        from rlops.ops.archive import purging

        return purging.plan(db, sql, user, product, request(session, db, to=to, moved=moved))

    return session.write(plan, op.verify)
