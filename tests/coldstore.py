"""Reads an archive's folder with DuckDB and pyarrow, without rlops: for saying what it really holds."""

from __future__ import annotations

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


def readable(root: Path) -> list[Path]:
    """The files that decode whole."""
    found = []
    for path in files(root):
        try:
            duckdb.sql(f"SELECT COUNT(*), MAX(id) FROM read_parquet('{path}')").fetchall()
            found.append(path)
        except duckdb.Error:
            continue
    return found
