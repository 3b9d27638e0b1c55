"""Check the rows of the three tables. Reads only, in short statements that take no lock; SELECT is enough."""

from rlops.ops.data.examine import examine
from rlops.ops.data.report import Report
from rlops.ops.data.scan import FULL, RECENT, Bounds, Range
from rlops.ops.data.whole import remember_models

__all__ = ["FULL", "RECENT", "Bounds", "Range", "Report", "examine", "remember_models"]
