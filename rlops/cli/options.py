"""The options that every command shares, declared once, and the decorator that adds them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, get_type_hints

import typer

from rlops.cli.session import Session
from rlops.errors import Exit, Interrupted, RlopsError, Usage
from rlops.plan import Answer
from rlops.render import Output
from rlops.stop import ignored

CONNECTION, OUTPUT, SAFETY, PACE = "Connection", "Output", "Safety", "Pace of long work"


def _connection(flag: str, text: str, kind: Any = str) -> Any:
    variable = "RLOPS_" + flag.removeprefix("--").upper().replace("-", "_")
    return Annotated[
        kind | None, typer.Option(flag, help=f"{text} [dim]\\[{variable}][/dim]", rich_help_panel=CONNECTION)
    ]


def _flag(*flags: str, text: str, panel: str, variable: str | None) -> Any:
    return Annotated[bool, typer.Option(*flags, help=text, rich_help_panel=panel, envvar=variable)]


def _text(flag: str, text: str, panel: str, variable: str | None, metavar: str) -> Any:
    return Annotated[str | None, typer.Option(flag, help=text, rich_help_panel=panel, envvar=variable, metavar=metavar)]


def _seconds(flag: str, text: str, least: float) -> Any:
    variable = "RLOPS_" + flag.removeprefix("--").upper().replace("-", "_")
    return Annotated[
        float, typer.Option(flag, help=text, rich_help_panel=SAFETY, envvar=variable, min=least, metavar="SECONDS")
    ]


def _limit(flag: str, kind: type, metavar: str, text: str) -> Any:
    variable = "RLOPS_" + flag.removeprefix("--").upper().replace("-", "_")
    option = typer.Option(flag, help=text, rich_help_panel=PACE, envvar=variable, min=0, metavar=metavar)
    return Annotated[kind | None, option]


CONNECTIONS = {
    "url": _connection("--url", "mysql://user@host:port/schema; a password goes into RLOPS_URL or a file."),
    "host": _connection("--host", "Server's host name."),
    "port": _connection("--port", "Server's port."),
    "socket": _connection("--socket", "Server's unix socket."),
    "user": _connection("--user", "Account's name."),
    "database": _connection("--database", "Schema of the shop."),
    "password_file": _connection("--password-file", "File that holds the password."),
    "ask_password": Annotated[
        bool, typer.Option("--ask-password", help="Ask for the password.", rich_help_panel=CONNECTION)
    ],
    "defaults_file": _connection("--defaults-file", "Read this MySQL option file only."),
    "ssl_mode": _connection("--ssl-mode", "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY."),
    "ssl_ca": _connection("--ssl-ca", "File of the certificate authority."),
    "ssl_cert": _connection("--ssl-cert", "File of the client's certificate."),
    "ssl_key": _connection("--ssl-key", "File of the client's key."),
    "profile": _connection("--profile", "Profile in rlops.toml."),
    "environment": _connection("--environment", "development or production."),
    "sql_dir": _connection("--sql-dir", "Use this folder instead of the SQL that comes with rlops."),
}


def _output(*forms: str) -> Any:
    return Annotated[
        Literal[forms],
        typer.Option("--output", help="What stdout carries.", rich_help_panel=OUTPUT, envvar="RLOPS_OUTPUT"),
    ]


FORMS = ("table", "json")
OUTPUTS = {
    "output": _output(*FORMS),
    "quiet": _flag("--quiet", "-q", text="No progress on stderr.", panel=OUTPUT, variable="RLOPS_QUIET"),
    "verbose": _flag("--verbose", "-v", text="Show every statement.", panel=OUTPUT, variable="RLOPS_VERBOSE"),
    "no_color": _flag("--no-color", text="No colours.", panel=OUTPUT, variable="RLOPS_NO_COLOR"),
}
WRITING = {
    "dry_run": _flag("--dry-run", text="Show the plan and write nothing.", panel=SAFETY, variable="RLOPS_DRY_RUN"),
    "yes": _flag("--yes", "-y", text="Answer the question about a step that destroys.", panel=SAFETY, variable=None),
    "confirm": _text(
        "--confirm", "Name the schema, as production demands of dangerous runs.", SAFETY, None, "DATABASE"
    ),
    "lock_wait": _seconds(
        "--lock-wait", "Seconds a statement waits for a lock; the shop's statements queue behind it.", 1.0
    ),
    "retry_for": _seconds("--retry-for", "Seconds to go on trying while another session holds a lock.", 0.0),
    "window": _text(
        "--window", "Keep to this maintenance window, in the writers' time zone.", SAFETY, "RLOPS_WINDOW", "02:00-04:00"
    ),
    "plan": _text("--plan", "Run only if the plan is this reviewed one.", SAFETY, "RLOPS_PLAN", "FILE|HASH"),
    "plan_out": _text("--plan-out", "With --dry-run: write the plan to this file.", SAFETY, "RLOPS_PLAN_OUT", "FILE"),
    "audit_log": _text(
        "--audit-log", "Append each step to this file as JSON lines.", SAFETY, "RLOPS_AUDIT_LOG", "FILE"
    ),
    "ticket": _text("--ticket", "A text that the journal keeps with this run.", SAFETY, "RLOPS_TICKET", "TEXT"),
}
LONG = {
    "max_time": Annotated[
        float | None,
        typer.Option(
            "--max-time", min=0.0, metavar="SECONDS", rich_help_panel=PACE, envvar="RLOPS_MAX_TIME",
            help="End after the chunk that is under way by then; what is left is said (exit 3).",
        ),
    ],
    "stop_file": _text(
        "--stop-file", "Stop as Ctrl-C does once this file is there.", PACE, "RLOPS_STOP_FILE", "FILE"
    ),
    "replica": Annotated[
        list[str] | None,
        typer.Option(
            "--replica", metavar="URL|none", rich_help_panel=PACE,
            help="Wait while this replica lags; once for each, or none if their lag is of no concern."
            " [dim]\\[RLOPS_REPLICA][/dim]",
        ),
    ],
    "max_lag": _limit("--max-lag", float, "SECONDS", "A replica's lag beyond which to wait, instead of the policy's."),
    "max_threads": _limit("--max-threads", int, "N", "Running threads beyond which to wait, instead of the policy's."),
}  # fmt: skip
DEFAULTS = {
    "output": "table", "ask_password": False, "quiet": False, "verbose": False, "no_color": False, "dry_run": False,
    "yes": False, "lock_wait": 1.0, "retry_for": 30.0,
}  # fmt: skip


@dataclass(frozen=True)
class Common:
    """The shared options as they were given."""

    connection: dict[str, Any]
    output: Output = Output.TABLE
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    dry_run: bool = False
    yes: bool = False
    confirm: str | None = None
    ticket: str | None = None
    window: str | None = None
    plan: str | None = None
    plan_out: str | None = None
    audit_log: str | None = None
    lock_wait: float = 1.0
    retry_for: float = 30.0
    long: bool = False
    max_time: float | None = None
    stop_file: str | None = None
    max_lag: float | None = None
    max_threads: int | None = None


def command(
    app: typer.Typer,
    name: str,
    *,
    title: str = "",
    writes: bool = False,
    long: bool = False,
    asks: bool = False,
    without: tuple[str, ...] = (),
    forms: tuple[str, ...] = (),
) -> Callable[[Callable[..., Answer]], Callable[..., None]]:
    """Register a function `(session, …own options) -> Answer` as a command with the shared options.

    `title` is the command's whole name where it is one of a group ("backups list"). `long` work keeps to a pace and
    may be given a time; a command that only `asks` something of another run has a --dry-run. `without`: shared options that
    it reads itself. `forms` are what --output takes beside table and json.
    """
    asking = {"dry_run": WRITING["dry_run"]} if asks else {}
    shared = {**CONNECTIONS, **OUTPUTS, **asking, **(WRITING if writes else {}), **(LONG if long else {})}
    shared = {key: kind for key, kind in shared.items() if key not in without} | {"output": _output(*FORMS, *forms)}

    def decorate(function: Callable[..., Answer]) -> Callable[..., None]:
        hints = get_type_hints(function, include_extras=True)
        own = [p.replace(annotation=hints[p.name]) for p in list(inspect.signature(function).parameters.values())[1:]]
        more = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS.get(key), annotation=kind)
            for key, kind in shared.items()
        ]

        @functools.wraps(function)
        def wrapper(**given: Any) -> None:
            session = Session(title or name, _common(given))
            answer = answered(session, lambda session: function(session, **{p.name: given[p.name] for p in own}))
            ignored()  # half a document, or a second one, would be worse than a late end
            raise typer.Exit(session.show(answer))

        keyword_own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        wrapper.__signature__ = inspect.Signature([*keyword_own, *more])  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in [*keyword_own, *more]}
        app.command(name)(wrapper)
        return wrapper

    return decorate


def answered(session: Session, function: Callable[[Session], Answer]) -> Answer:
    """What a command answers; a refusal, a failure or an interrupt as an answer too."""
    try:
        return function(session)
    except RlopsError as error:
        if error.exit is Exit.USAGE and not error.hint:
            error.hint = f"`rlops {session.command} --help` shows what there is."
        return Answer(session.command, error.exit, error.data, error=error, dry_run=session.common.dry_run)
    except KeyboardInterrupt:
        stopped = Interrupted("interrupted; nothing was changed")
        return Answer(session.command, stopped.exit, error=stopped)


def _common(given: dict[str, Any]) -> Common:
    connection = {key: given.get(key) for key in CONNECTIONS}
    connection["ask_password"] = "1" if connection["ask_password"] else None
    connection["replica"] = " ".join(given.get("replica") or ()) or None
    own = (*OUTPUTS, *WRITING, *(key for key in LONG if key != "replica"))
    rest = {key: given[key] for key in own if key in given}
    rest["output"] = Output(rest["output"])
    rest["long"] = "max_time" in given
    return Common(connection, **rest)


def new_app(text: str = "") -> typer.Typer:
    """A Typer application for one command module."""
    return typer.Typer(
        help=text or None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_show_locals=False,
        rich_markup_mode="rich",
    )


def time_of(text: str | None) -> datetime | None:
    """What --now says, by the writers' clock. Raises Usage when it is no time, or has an offset of its own."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Usage(f"--now {text!r} is not a time such as 2026-03-31T23:59:59") from error
    if found and found.tzinfo:
        raise Usage(f"--now {text!r} has an offset; it is the writers' clock that counts", "Leave the offset out.")
    return found
