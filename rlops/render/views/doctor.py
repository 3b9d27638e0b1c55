"""The tables of `rlops doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import table

MARKS = {True: Text("ok", "green"), False: Text("missing", "bold red"), None: Text("-", "dim")}


def view(answer: Answer) -> Iterator[RenderableType]:
    """The target, what each command needs, the server's settings, and the findings with what mends them."""
    if "accounts" in answer.data:
        yield Text("\n".join(f"-- {advice}" for advice in answer.data["advice"]) + "\n")
        yield from (Text(_account(each)) for each in answer.data["accounts"])
        return
    yield _target(answer.data)
    commands = table("command", "", "missing", title="Commands")
    for each in answer.data["commands"]:
        commands.add_row(each["command"], MARKS[each["ok"]], "; ".join((*each["blocked"], *each["missing"])))
    yield commands
    server = table("setting", "value", "", "why it matters", title="Server")
    for each in answer.data["server"]:
        server.add_row(each["name"], each["value"], MARKS[each["ok"]], each["why"])
    yield server
    can = table("what", "here", title="What this engine can do")
    for name, text in answer.data["engine"]["can"].items():
        can.add_row(name, text)
    yield can
    if answer.data["findings"]:
        findings = table("check", "object", "expected", "actual", "mend it with", title="Findings")
        for each in answer.data["findings"]:
            findings.add_row(each["check"], each["object"], each["expected"], each["actual"], each["hint"])
        yield findings


def _account(account: Any) -> str:
    """The SQL of one operator account; what only tells more is a comment in it."""
    lines = [f"-- for: {account['command']}", *map(_folded, account["statements"])]
    for more in account["optional"]:
        grants = "\n".join(map(_folded, more["grant"].splitlines()))
        lines += [f"-- optional, {more['why']}:", *(f"--   {line}" for line in grants.splitlines())]
    return "\n".join(lines) + "\n"


def _folded(statement: str) -> str:
    """A GRANT on three lines, which fit into a terminal."""
    what, to, account = statement.rpartition(" TO ")
    return what.replace(" ON ", "\n  ON ", 1) + to.replace(" ", "\n  ", 1) + account


def _target(data: Any) -> RenderableType:
    engine, connection, schema = data["engine"], data["connection"], data["schema"]
    shown = table("what", "is", title="Target")
    kind = f", {engine['cluster']}" if engine["cluster"] else ""
    tested = "tested" if engine["tested"] else "not tested"
    shown.add_row("engine", f"{engine['name']} {engine['version']}{kind} ({tested})")
    shown.add_row("connection", f"{connection['place']} as {connection['account']}, {connection['tls'] or 'no TLS'}")
    shown.add_row("environment", f"{data['environment']['value']} ({data['environment']['source']})")
    shown.add_row("schema", schema["name"] + (f": {schema['why']}" if schema["why"] else ""))
    for label, key in (
        ("shop's tables", "parents"),
        ("recommender's tables", "tables"),
        ("rlops' own tables", "own_tables"),
    ):
        shown.add_row(label, ", ".join(f"{name}: {state}" for name, state in schema[key].items()))
    return shown
