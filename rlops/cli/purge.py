"""rlops purge."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.errors import Usage
from rlops.ops import purge as op
from rlops.plan import Answer

app = new_app()


@command(app, "purge", writes=True, long=True, without=("user",))
def purge(
    session: Session,
    users: Annotated[
        list[str] | None,
        typer.Option("--user", help="Whose interactions go; what is no number is the account's name.", metavar="ID"),
    ] = None,
    product: Annotated[
        int | None,
        typer.Option("--product", min=op.IDS[0], max=op.IDS[1], help="Which product's interactions go.", metavar="ID"),
    ] = None,
) -> Answer:
    """Remove one user's or product's interactions in short transactions, so that the shop's DELETE cascades into nothing.

    Example:  [bold]rlops purge --product 4711 --dry-run[/bold]
    """
    user, account = _told_apart(users or [])
    op.require_one(user, product)
    session.common.connection["user"] = account
    return session.write(lambda db, sql: op.plan(db, sql, user, product, session.environment(db)), op.verify)


def _told_apart(given: list[str]) -> tuple[int | None, str | None]:
    """The user and the account. `--user` means both: the shop's user here, the account that logs in everywhere."""
    numbers = [word for word in given if re.fullmatch(r"-?\d+", word)]
    names = [word for word in given if word not in numbers]
    if len(numbers) > 1 or len(names) > 1:
        raise Usage("--user names one user by number and, where needed, one account by name")
    if numbers and not op.IDS[0] <= int(numbers[0]) <= op.IDS[1]:
        raise Usage(f"--user {numbers[0]} is no BIGINT")
    return int(numbers[0]) if numbers else None, names[0] if names else None
