"""rlops monitor."""

from __future__ import annotations

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import monitor as op
from rlops.plan import Answer

app = new_app()


@command(app, "monitor")
def monitor(session: Session) -> Answer:
    """Show sizes, rows, growth and index usage, each number with its source. Reads only, and little.

    Exit code 3: the interactions grow faster than policy.toml plans.

    Example:  [bold]rlops monitor --output json[/bold]
    """
    return session.read(op.monitor)
