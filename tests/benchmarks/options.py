"""What a run of the benchmarks was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`engine` is a server's label; `rows` are interactions; `folder` is a temporary one for the tools' projects."""

    engine: str
    repeats: int
    rows: int
    large: bool
    folder: Path
