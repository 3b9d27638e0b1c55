"""The report of monitor: one HTML file that asks for nothing from outside, for screens of any size, dark or light, and paper."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from rlops import engines
from rlops.errors import Failed
from rlops.render.cells import lasting, number, size, when
from rlops.render.report.plots import plots
from rlops.render.views.monitor import WORDS, verdict
from rlops.render.views.monitor_detail import remark

Data = Mapping[str, Any]
STRIPES = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern id="stripes" width="6" height="6"'
    ' patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="stripe" y2="6"/></pattern></defs></svg>'
)


def write(path: Path, data: Data, target: Mapping[str, Any], engine: engines.Engine | None) -> None:
    """Replace `path` with the report, whole. Raises Failed when it can't be written."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False, encoding="utf-8") as half:
            half.write(page(data, target, engine))
        Path(half.name).chmod(0o666 & ~_umask())
        Path(half.name).replace(path)
    except OSError as error:
        raise Failed(
            f"{path}: can't be written ({error.strerror})", "Name a file in a folder that you may write to."
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def page(data: Data, target: Mapping[str, Any], engine: engines.Engine | None) -> str:
    """The report as HTML."""
    place = f"{target.get('database')} on {target.get('host') or 'localhost'}"
    style = (files("rlops.render.report") / "style.css").read_text(encoding="utf-8")
    level = data["verdict"]
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>rlops: {escape(place)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
        f'<link rel="icon" href="data:,"><style>{style}</style></head><body><header>',
        f'<p class="place">{escape(place)}, {escape(str(engine or ""))}, {when(data["measured_at"])} UTC</p>',
        f'<h1><span class="level {level}">{escape(WORDS.get(level) or level)}</span> {escape(verdict(data))}</h1></header><main>',
        _to_do(data["findings"]),
        STRIPES, '<div class="plots">', *plots(data), "</div>",
        *_tables(data),
        "</main></body></html>\n",
    ]  # fmt: skip
    return "".join(parts)


def _to_do(problems: Sequence[Data]) -> str:
    if not problems:
        return "<p>Nothing to do.</p>"
    items = [
        f'<li class="{each["level"]}"><b>{escape(each["level"])}</b> <span class="object">{escape(each["object"])}</span>:'
        f" {escape(each['message'])}"
        + (f"<br><code>{escape(each['command'])}</code>" if each["command"] else "")
        + "</li>"
        for each in problems
    ]
    return f'<h2>What to do</h2><ul class="todo">{"".join(items)}</ul>'


def _tables(data: Data) -> Iterator[str]:
    yield _table("Tables", ("table", "rows", "data", "index", "free", "on disk", "bytes a row"), (
        (
            t["name"], number(t["rows"], t["rows_estimated"]), _about(t["data_bytes"], t["sizes_estimated"]),
            _about(t["index_bytes"], t["sizes_estimated"]), _about(t["free_bytes"], True), size(t["file_bytes"]) or "unknown",
            number(t["bytes_per_row"], True),
        ) for t in data["tables"]
    ))  # fmt: skip
    yield _table("Partitions", ("partition", "from", "to", "rows", "on disk"), (
        (p["name"], when(p["from"])[:10], when(p["to"])[:10] or "no end", number(p["rows"], True), size(p["size_bytes"]))
        for p in data["partitions"]["partitions"]
    ))  # fmt: skip
    yield _table("Indexes", ("table", "index", "columns", "size", "rows read", "remark"), (
        (i["table"], i["name"], ", ".join(i["columns"]), _about(i["bytes"], True), number(i["reads"]) or "unknown", remark(i))
        for i in data["indexes"]
    ))  # fmt: skip
    yield _table("Statements", ("total", "runs", "mean", "p95", "longest", "examined", "statement"), (
        (
            lasting(s["total_seconds"]), number(s["executions"]), lasting(s["mean_seconds"]), lasting(s["p95_seconds"]),
            lasting(s["max_seconds"]), number(s["rows_examined"]), " ".join(s["statement"].split())[:300],
        ) for s in data["statements"]
    ))  # fmt: skip
    yield _table("Where the numbers come from, and what is not known", ("what", "", "source, or what it needs"), (
        (p["name"], p["status"], p["source"] if p["status"] == "ok" else p["needs"] or "") for p in data["probes"]
    ))  # fmt: skip


def _about(value: float | None, estimated: bool) -> str:
    return "" if value is None else ("~" if estimated else "") + size(value)


def _table(title: str, headings: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    if not lines:
        return ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    return (
        f'<h2>{escape(title)}</h2><div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
