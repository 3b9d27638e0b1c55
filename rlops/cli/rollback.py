"""rlops rollback."""

from __future__ import annotations

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops.rollback import Rollback, verify
from rlops.plan import Answer

app = new_app()


@command(app, "rollback", writes=True)
def rollback(session: Session) -> Answer:
    """Keep every row of the three tables in a backup by one atomic rename, and verify it.

    Example:  [bold]rlops rollback --dry-run[/bold]  then  [bold]rlops rollback --confirm ecommercedb[/bold]
    """
    planned: list[Rollback] = []

    def planner(db, sql):  # type: ignore[no-untyped-def]
        planned.append(planned[0] if planned else Rollback(session.environment(db)))
        return planned[0].plan(db, sql)

    return session.write(planner, verify)
