"""rlops migrate."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import migrate as op
from rlops.plan import Answer

app = new_app()


@command(app, "migrate", writes=True)
def migrate(
    session: Session,
    fresh: Annotated[bool, typer.Option("--fresh", help="Drop the three tables first (development only).")] = False,
    partitioned: Annotated[
        bool, typer.Option("--partitioned", help="Partition the new interactions by month at once.")
    ] = False,
    integrity: Annotated[
        Literal["triggers", "none"],
        typer.Option("--integrity", help="With --partitioned: what stands in for the foreign keys."),
    ] = "triggers",
    check: Annotated[bool, typer.Option("--check", help="Only say whether anything is pending (exit 3).")] = False,
) -> Answer:
    """Create what is missing of the three tables, as declared. A second run does nothing.

    Example:  [bold]rlops migrate --dry-run[/bold]  then  [bold]rlops migrate[/bold]
    """
    if check:
        session.common = replace(session.common, dry_run=True)
    answer = session.write(
        lambda db, sql: op.plan(
            db,
            sql,
            fresh=fresh,
            environment=session.environment(db),
            partitioned=partitioned or sql.policy.partitions.new_tables,
            by_triggers=integrity == "triggers",
        ),
        op.verify_created,
    )
    return op.pending(answer) if check else answer
