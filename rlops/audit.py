"""A copy of the journal outside the database, in a file of JSON lines that the database's operator can't edit."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from rlops.errors import Usage


class AuditLog:
    """Appends one JSON object a line and syncs each to disk. Times are UTC, by this machine's clock."""

    def __init__(self, path: Path) -> None:
        """Open the file for appending. Raises Usage when that can't be done, before anything is changed."""
        try:
            self._file: TextIO = path.open("a", encoding="utf-8")
        except OSError as error:
            raise Usage(f"--audit-log {path}: can't be written ({error.strerror}). Nothing was changed") from error

    def write(self, event: str, **fields: Any) -> None:
        """Append one event. Raises OSError when the disk is full."""
        line = {"time": datetime.now(UTC).isoformat(), "event": event, **fields}
        self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
