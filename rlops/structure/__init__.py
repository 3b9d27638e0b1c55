"""What a table is: the declared one, the live one, and every difference between them."""

from rlops.structure.compare import compare, compare_triggers
from rlops.structure.live import read_table, read_triggers
from rlops.structure.model import (
    Check,
    Column,
    Finding,
    ForeignKey,
    Index,
    IndexPart,
    Other,
    Partition,
    Partitioning,
    Table,
    Trigger,
)
from rlops.structure.normal import normalise
from rlops.structure.parse import parse_create_table

__all__ = [
    "Check",
    "Column",
    "Finding",
    "ForeignKey",
    "Index",
    "IndexPart",
    "Other",
    "Partition",
    "Partitioning",
    "Table",
    "Trigger",
    "compare",
    "compare_triggers",
    "normalise",
    "parse_create_table",
    "read_table",
    "read_triggers",
]
