"""The table of `rlops sandbox status`."""

from __future__ import annotations

from rlops.render.views.sandbox_start import view

__all__ = ["view"]
