"""rlops monitor."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from rlops import sqlfiles, standing
from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.db import Database, Lost
from rlops.errors import Denied, Exit, Interrupted, RlopsError, Usage
from rlops.ops import monitor as op
from rlops.plan import Answer
from rlops.render import Output
from rlops.snapshots import Snapshot
from rlops.sqlfiles import SqlFolder

WATCHED_UP_TO = 200_000  # estimated rows of a table that each look of --watch counts
_PERIOD = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")

app = new_app()


@dataclass(frozen=True)
class Looks:
    """How to look, and what to do with a look beside showing it."""

    session: Session
    wish: op.Wish
    record: bool
    textfile: Path | None
    export: Path | None

    def look(self, db: Database, sql: SqlFolder, before: Snapshot | None = None) -> tuple[Answer, Snapshot]:
        """Look once, and do what is to be done with it; what fails then is the answer's error."""
        seen = op.look(db, sql, self.wish, before)
        answer = seen.answer
        try:
            if self.record:
                standing.refuse(db)
                kept = op.record(db, sql, seen)
                note = f"snapshot {kept['id']} recorded; {kept['kept']:,} are kept"
                answer = replace(answer, data={**answer.data, "snapshot": kept}, notes=(note,))
            if self.textfile:
                from rlops.render import prometheus

                prometheus.write(self.textfile, answer.data, self.session.described)
            if self.export:
                from rlops.render import report

                report.write(self.export, answer.data, self.session.described, db.engine)
                answer = replace(answer, notes=(*answer.notes, f"report written to {self.export}"))
        except Lost:
            raise
        except RlopsError as error:
            answer = replace(answer, exit=error.exit, error=error)
        return answer, seen.snapshot


@command(app, "monitor", forms=("prometheus", "nagios"))
def monitor(
    session: Session,
    *,
    exact: Annotated[bool, typer.Option("--exact", help="Count every row, however long it takes.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Keep what was measured in rlops' own table.")] = False,
    watch: Annotated[
        str | None, typer.Option("--watch", help="Look again and again, such as every 5s or 2m.", metavar="PERIOD")
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write a report for people, with plots.", metavar="FILE.html")
    ] = None,
    textfile: Annotated[
        Path | None,
        typer.Option("--textfile", help="Write metrics for node_exporter's textfile collector.", metavar="FILE.prom"),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold", help="Instead of the policy's; may be repeated.", metavar="NAME=WARNING[,CRITICAL]"
        ),
    ] = None,
) -> Answer:
    """Show whether the tables are healthy and the plan holds, each number with its source. Reads only, in about a second.

    Exit code 3: a threshold is crossed, or something is broken. --output nagios has Nagios's own codes.

    Example:  [bold]rlops monitor --watch 5s[/bold]
    """  # fmt: skip
    wish = op.Wish(exact, tuple(threshold or ()), *([WATCHED_UP_TO] if watch else []))
    looks = Looks(session, wish, record, textfile, export)
    if watch is not None:
        if session.common.output in (Output.NAGIOS, Output.PROMETHEUS) or export:
            raise Usage(
                "--watch shows a table or JSON, and exports nothing", "Leave --watch out, or run it with --textfile."
            )
        _watch(looks, _seconds(watch))
    return session.read(lambda db, sql: looks.look(db, sql)[0])


def _watch(looks: Looks, period: float) -> NoReturn:
    """Look until interrupted: drawn over and over on a terminal, one JSON document a line elsewhere."""
    session, began, count = looks.session, time.monotonic(), 0
    on_terminal = session.common.output is Output.TABLE and sys.stdout.isatty()
    if not on_terminal:
        session.screen.output = Output.JSON
    try:
        with session.connect() as db, _drawn(session, on_terminal) as show:
            sql = sqlfiles.load(session.target.sql_dir, db.family)
            before: Snapshot | None = None
            while True:
                try:
                    answer, before = looks.look(db, sql, before)
                except (Lost, Denied) as error:  # a server that restarts is what one watches for
                    answer = Answer("monitor", Exit.DENIED, error=error)
                    _reconnect(db)
                show(answer)
                count += 1
                time.sleep(period)
    except KeyboardInterrupt:
        raise Interrupted(
            f"watched for {time.monotonic() - began:,.0f} s, {count:,} looks; nothing was changed"
        ) from None


@contextmanager
def _drawn(session: Session, on_terminal: bool) -> Iterator[Callable[[Answer], object]]:
    if not on_terminal:
        yield session.show
        return
    from rlops.render.views.monitor import watch

    with session.screen.live(watch) as draw:
        yield draw


def _reconnect(db: Database) -> None:
    try:
        db.reconnect()
    except RlopsError:
        return


def _seconds(text: str) -> float:
    match = _PERIOD.fullmatch(text.strip())
    seconds = float(match[1]) * {"s": 1, "m": 60, "h": 3600, None: 1}[match[2]] if match else 0.0
    if seconds < 1:
        raise Usage(f"--watch {text!r} is no time such as 5s, 2m or 1h, of a second at least")
    return seconds
