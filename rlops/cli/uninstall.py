"""rlops uninstall."""

from __future__ import annotations

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import uninstall as op
from rlops.plan import Answer

app = new_app()


@command(app, "uninstall", writes=True)
def uninstall(session: Session) -> Answer:
    """Remove rlops' own tables, its journal included, its triggers and account; never the three tables, their backups or set-aside rows.

    What keeps the integrity of a partitioned table stays.

    Example:  [bold]rlops uninstall --dry-run[/bold]
    """
    return session.write(lambda db, sql: op.plan(db, sql, session.environment(db)), op.verify)
