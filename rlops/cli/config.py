"""rlops config."""

from __future__ import annotations

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.plan import Answer

app = new_app("Show every setting and where it came from.")


@app.callback()
def group() -> None:
    """Show every setting and where it came from."""


@command(app, "show", title="config show")
def show(session: Session) -> Answer:
    """Show every setting, its value and its source. No connection is made, and no password is shown.

    Example:  [bold]rlops config show --profile shop[/bold]
    """
    target = session.target
    settings = [
        {"name": name, "value": _text(getattr(target, name)), "source": source}
        for name, source in target.sources.items()
    ]
    return Answer("config show", data={"settings": settings, "warnings": list(target.warnings)})


def _text(value: object) -> str | None:
    if isinstance(value, tuple):
        return " ".join(replica.place for replica in value) or "none"
    return None if value is None else str(value)
