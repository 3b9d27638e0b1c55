"""Reads an archive's folder with DuckDB and pyarrow, without rlops: for saying what it really holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset

TABLE = "user_product_interactions"
COLUMNS = "id, user_id, product_id, interaction_type, session_id, timestamp, context, reward"


def files(root: Path) -> list[Path]:
    return sorted((root / f"table={TABLE}").rglob("*.parquet")) if root.exists() else []


def rows(root: Path, columns: str = COLUMNS) -> list[tuple[Any, ...]]:
    """Every row of the whole folder as one dataset, by id; empty where there is none."""
    if not files(root):
        return []
    source = f"read_parquet('{root}/**/*.parquet', hive_partitioning = true, union_by_name = true)"
    return duckdb.sql(f"SELECT {columns} FROM {source} ORDER BY id, timestamp").fetchall()


def dataset(root: Path) -> Any:
    """The same through pyarrow, which takes every file of the folder that doesn't begin with _ or a dot."""
    return pyarrow.dataset.dataset(root, partitioning="hive").to_table().sort_by([("id", "ascending")])


def manifests(root: Path) -> dict[Path, Any]:
    """What each manifest says, by its part."""
    found = {}
    for path in sorted(root.rglob("_part-*.manifest.json")):
        part = path.with_name(path.name.removeprefix("_").replace(".manifest.json", ".parquet"))
        found[part] = json.loads(path.read_text())["of"]
    return found


def problems(root: Path) -> list[str]:
    """Files that can't be decoded, and those that are not what their manifest says, now or once its replacement is done."""
    found = []
    known = manifests(root) if root.exists() else {}
    for path in files(root):
        try:
            rows = duckdb.sql(
                f"SELECT COUNT(*), COUNT(*) FILTER (id IS NOT NULL) FROM read_parquet('{path}')"
            ).fetchall()[0][0]
        except duckdb.Error as error:
            found.append(f"{path.name} can't be decoded: {error}")
            continue
        if path in known:
            said = [each for each in (known[path]["contents"], known[path]["pending"]) if each]
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if (digest, rows) not in [(each["sha256"], each["rows"]) for each in said]:
                found.append(f"{path.name} isn't what its manifest says")
    return found + [f"{path.name} has a manifest and no file" for path in known if not path.exists()]


def unpublished(root: Path) -> list[str]:
    """Files without a manifest, and files that are being written: none are left once all is done."""
    known = manifests(root)
    found = [f"{path.name} has no manifest" for path in files(root) if path not in known]
    return found + [f"{path.name} is left" for path in root.rglob("*.tmp")]
