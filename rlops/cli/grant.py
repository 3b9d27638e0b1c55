"""rlops grant."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.errors import Usage
from rlops.ops import grant as op
from rlops.plan import Answer
from rlops.settings import Secret
from rlops.settings.layers import Setting
from rlops.settings.passwords import read_password

app = new_app()


@command(app, "grant", writes=True)
def grant(
    session: Session,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare; exit 3 when something is missing or in excess.")
    ] = False,
    create_user: Annotated[
        bool, typer.Option("--create-user", help="Create the account if it is missing; its password is shown once.")
    ] = False,
    password_from: Annotated[
        str | None,
        typer.Option("--password-from", help="With --create-user: take the password from this file.", metavar="FILE"),
    ] = None,
    revoke_excess: Annotated[
        bool, typer.Option("--revoke-excess", help="Also revoke what the account holds on the tables beyond that.")
    ] = False,
) -> Answer:
    """Give the application account what policy.toml declares on each of the three tables, and nothing more.

    Example:  [bold]rlops grant --dry-run[/bold]

    Creates an account, and revokes, only where that is asked for. What the account holds on the whole schema or server,
    or through a role, is shown and never touched.
    """
    if check and (create_user or revoke_excess):
        raise Usage("--check only looks", "Leave it out, or type `rlops grant --check` alone.")
    if password_from and not create_user:
        raise Usage("--password-from is for --create-user", "Type `rlops grant --create-user --password-from FILE`.")
    if check:
        return session.read(op.check)
    wish = op.Wish(create_user, _password(session, password_from), revoke_excess, session.common.dry_run)
    return session.write(
        lambda db, sql: op.plan(db, sql, wish), lambda db, sql, answer: op.verify(db, sql, answer, wish)
    )


def _password(session: Session, file: str | None) -> Secret | None:
    if file is None:
        return None
    warnings: list[str] = []
    setting = Setting(file, "option --password-from")
    password = read_password("password_file", setting, environ={}, ask=None, prompt="", warnings=warnings)
    for warning in warnings:
        session.screen.note(warning)
    if not password.reveal():
        raise Usage(f"--password-from {file}: the file is empty", "Put the password into its first line.")
    return password
