"""The aggregate that compares a chunk locks its rows on TiDB, too."""

from integration.test_ids import filled, test_the_rows_that_are_compared_are_locked_and_none_beside_them

__all__ = ["filled", "test_the_rows_that_are_compared_are_locked_and_none_beside_them"]
