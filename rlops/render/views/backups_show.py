"""The tables of `rlops backups show`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import number, size, table, when


def view(answer: Answer) -> Iterator[RenderableType]:
    """Who made the backup, when and why; each table with its counts, keys, triggers and grants, and its definition."""
    manifest = answer.data["manifest"]
    made = table("backup", "state", "made (UTC)", "by", "rlops", "ticket", "mode")
    by = f"{manifest.get('os_user', '')}@{manifest.get('host', '')}".strip("@")
    made.add_row(
        manifest["id"], manifest["state"], when(manifest.get("made_at")), by, manifest.get("rlops_version", ""),
        manifest.get("ticket") or "", manifest["mode"] + (f" to {manifest['copy_to']}" if manifest.get("copy_to") else ""),
    )  # fmt: skip
    yield made
    listed = table("table", "kept as", "rows", "size", "next id", "foreign keys", "triggers", "partitions", "grants")
    for t in manifest["tables"]:
        listed.add_row(
            t["table"], t["backup_table"], number(t["rows"], t["rows_estimated"]), "~" + size(t["bytes"]),
            number(t["auto_increment"]), str(len(t.get("foreign_keys", ()))), str(len(t["triggers"])),
            "yes" if t["partitions"] else "no", str(len(t["grants"])),
        )  # fmt: skip
    yield listed
    for t in manifest["tables"]:
        yield Text(t["definition"] + ";")
