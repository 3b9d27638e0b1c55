"""Check the rows of the three tables. Reads only, in short statements that take no lock; SELECT is enough."""

from rlops.ops.data.examine import examine
from rlops.ops.data.report import Report
from rlops.ops.data.scan import FULL, RECENT, Bounds, Range
from rlops.ops.data.whole import MODELS_SEEN, models_seen

__all__ = ["FULL", "MODELS_SEEN", "RECENT", "Bounds", "Range", "Report", "examine", "models_seen"]
