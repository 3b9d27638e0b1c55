"""The backups that rollbacks keep: which there are, what is recorded of them, how they are copied, merged and pruned."""

from rlops.ops.backups.found import (
    MARK,
    Backup,
    counters,
    found,
    new_id,
    refuse_unfinished,
    tables_with_keys,
)

__all__ = ["MARK", "Backup", "counters", "found", "new_id", "refuse_unfinished", "tables_with_keys"]
