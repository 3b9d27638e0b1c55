"""Takes a whole archived month out of the table at once: exchanged with an empty table, then compared with the archive.

Nobody writes into the hold table, so that its rows are compared at leisure. What isn't in the archive as it is goes back
into the table, where row-by-row retention archives it anew. `TAKING` in rlops_state names the hold table until all of its
rows are accounted for; any run goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from rlops import blockers, counting, ddl, facts, journal, rowhash, withdraw
from rlops.archive import columns as kinds
from rlops.archive import manifest, parquet, parts, restoring, sums
from rlops.archive.deleting import mark, position
from rlops.archive.export import Month
from rlops.archive.parts import Part
from rlops.archive.place import Place
from rlops.archive.rows import Range
from rlops.archive.sums import Sum
from rlops.clock import writers_now
from rlops.db import Database, ServerError
from rlops.engines import EXACT
from rlops.errors import Failed
from rlops.ids import double_id
from rlops.ops.archive.table import is_any_before
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition import hold, months
from rlops.ops.partition.hold import Hold
from rlops.plan import Chunk
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Column, Table, read_table

NO_MATCH = (1731, 1736)  # the table was changed by ALGORITHM=INSTANT since it was built, and a new table isn't like it
PAGE = 5_000  # held rows that are compared at once


@dataclass
class TakeOut:
    """What retention asks for each archived month. `remarks` are what the user should know of how it went."""

    sql: SqlFolder
    place: Place
    child: Declared
    now: datetime | None = None
    starts: bool = True  # else it only ends what an earlier run began
    remarks: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)  # the hold tables of this run
    _begun: str = ""  # the hold table that this run chose last
    _by_rows: set[date] = field(default_factory=set)  # months that this run can't exchange
    _digests: tuple[int, dict[int, bytes]] | None = None  # of a part whose rows are compared one by one

    def fits(self, db: Database, month: Month, found: Sequence[Part]) -> bool:
        """Whether the month is a partition of its own, not the last one, that nothing was deleted from yet."""
        if (
            not self.starts
            or month.first in self._by_rows
            or any(part.only and part.state != parts.DONE for part in found)
        ):
            return False
        if any(part.late or part.fixed or part.held for part in found if not part.only):
            return False
        return self._partition(db, month) is not None

    def begin(self, db: Database, month: Month) -> Chunk:
        """Note that the month is about to be exchanged, in the caller's transaction."""
        now = self.now or writers_now(db, self.sql.policy.writers_time_zone)
        self._begun = hold.name_for(month.first, now)
        journal.record(db, hold.TAKING, self._begun)
        return Chunk(0, f"{month} to be taken out", last=False)

    def go_on(self, db: Database) -> Chunk | None:
        """Go a step further with the month that is on its way out; None when none is. DDL commits the caller's transaction.

        Raises LockWait, naming who is in the way, when the table is in use.
        """
        into = hold.being_filled(db)
        if into is None:
            return None
        found, month = [part for part in parts.all_parts(db, into.month) if not part.only], Month(into.month)
        if found and all(part.state == parts.VERIFIED for part in found):
            there = facts.table_exists(db, into.table)
            if (not there or counting.is_empty(db, into.table)) and not (self.starts and into.table == self._begun):
                self._leave(db, into)  # an earlier run chose it; what it had looked at may be otherwise by now
                return Chunk(0, f"{month} not begun", last=False)
            if not there:
                return self._create(db, into, month)
            if facts.is_partitioned(db, into.table):
                self._run(db, "partition/410_hold_without_partitions", hold=into.table)
                return Chunk(0, f"{month}: {into.table} made", last=False)
            if counting.is_empty(db, into.table) and not self._exchange(db, into, month):
                return Chunk(0, f"{month} row by row", last=False)
            self._count_on(db, month, into.table, left=True)
            parts.move(db, found[0], parts.DELETING)
            return Chunk(0, f"{month} exchanged", last=False)
        part = next((part for part in found if part.state in (parts.VERIFIED, parts.DELETING)), None)
        if part is None:
            return self._end(db, into, month, found)
        if part.state == parts.VERIFIED:
            parts.move(db, part, parts.DELETING)
            return Chunk(0, f"{part.title} to be compared", last=False)
        return self._compare(db, into, part)

    def _end(self, db: Database, into: Hold, month: Month, found: Sequence[Part]) -> Chunk:
        """Put back what is in no part's range: rows of other times, of which the first partition has any, and late ones."""
        end = parts.covered_to(found, month.since, month.until)
        if facts.table_exists(db, into.table) and (
            ids := held_outside(db, self.sql, into.table, month.since, end, limit=PAGE)
        ):
            self._put_back(db, into, ids)
            return Chunk(0, f"{month}: rows of no part put back", last=False)
        journal.record(db, hold.TAKING, "")
        self.taken.append(into.table)
        return Chunk(0, f"{month} taken out", last=False)

    def _partition(self, db: Database, month: Month) -> months.Month | None:
        """The partition of that month alone. The first one has no lower bound: it is, when nothing is older."""
        listed = months.read(db, self.sql, INTERACTIONS).all
        mine = next((each for each in listed[:-1] if each.upper == month.until), None)
        if mine is None or mine.lower not in (month.since, None):
            return None
        return None if mine.lower is None and is_any_before(db, self.sql, month.since) else mine

    def _run(self, db: Database, file: str, values: Mapping[str, Any] | None = None, **names: Any) -> None:
        ddl.ready(db, self.sql)
        statement = self.sql.statement(file, names, values)
        db.execute(statement.sql, statement.values)

    def _create(self, db: Database, into: Hold, month: Month) -> Chunk:
        blockers.refuse(db, self.sql, (INTERACTIONS,))
        with withdraw.early(db):
            self._run(db, "partition/400_create_hold", hold=into.table, table=INTERACTIONS)
        return Chunk(0, f"{month}: {into.table} created", last=False)

    def _exchange(self, db: Database, into: Hold, month: Month) -> bool:
        """Whether the month's rows are in the hold table now; else it is gone again, and they go row by row."""
        partition = self._partition(db, month)
        if partition:
            rows = Keywords((f"{quote(INTERACTIONS)} PARTITION ({quote(partition.name)})",))
            self._count_on(db, month, rows, left=False)
            blockers.refuse(db, self.sql, (INTERACTIONS, into.table))
            try:
                with withdraw.early(db):
                    self._run(
                        db, "partition/420_exchange", table=INTERACTIONS, partition=partition.name, hold=into.table
                    )
                return True
            except ServerError as error:
                if error.number not in NO_MATCH:
                    raise
                self._remark(
                    f"{month} goes row by row, since the server exchanges no partition of this table: {error.text}"
                )
        self._by_rows.add(month.first)
        self._leave(db, into)
        return False

    def _leave(self, db: Database, into: Hold) -> None:
        """The month stays in the table; its hold table, which is empty, goes."""
        if facts.table_exists(db, into.table):
            self._run(db, "partition/440_drop_hold", hold=into.table)
        journal.record(db, hold.TAKING, "")

    def _count_on(self, db: Database, month: Month, rows: str | Keywords, *, left: bool) -> None:
        """Let ids go on from past the month's: the table's counter is its partitions' greatest, and one leaves it.

        Raised before that, every partition counts so; rows that came at this moment are looked for once it has `left`.
        """
        found = parts.all_parts(db, month.first)
        last = max([self._last_id(db, rows), *(part.sum.max_id or 0 for part in found)])
        live = read_table(db, INTERACTIONS)
        counter = (live.auto_increment if isinstance(live, Table) else None) or 1
        if (counter if left else self._last_id(db, INTERACTIONS)) <= last:
            blockers.refuse(db, self.sql, (INTERACTIONS,))
            with withdraw.early(db):
                next_id = {"next_id": max(counter, last + 1)}
                self._run(db, "restore/080_raise_auto_increment", next_id, table=INTERACTIONS)

    def _last_id(self, db: Database, rows: str | Keywords) -> int:
        query = self.sql.statement("partition/645_last_id", {"table": rows, "key_columns": "id"})
        return int(db.value(query.sql) or 0)

    def _compare(self, db: Database, into: Hold, part: Part) -> Chunk:
        if part.watermark is None and (wrong := manifest.wrong_or_gone(self.place.store, part)):
            raise Failed(
                f"{part.path} is damaged ({wrong}), and {into.table} holds its month's rows, which are nowhere else",
                "Bring the file and its manifest back from a copy of the archive, then type the same command again.",
                "archive_damaged",
            )  # fmt: skip
        if not facts.table_exists(db, into.table):
            self._remark(f"{into.table} was dropped before {part.path} had been compared with it")
            return self._settled(db, part, max(0, part.sum.rows - part.deleted - part.removed - part.kept))
        if not parts.fits(part, _columns(db, into.table)):
            return self._one_by_one(db, into, part, digest="NULL")  # none is as it was archived
        if part.watermark is None and not self._sum(db, into, part).differs(part.sum):
            return self._settled(db, part, part.sum.rows)
        return self._one_by_one(db, into, part, digest=kinds.digest(part.table_columns))

    def _sum(self, db: Database, into: Hold, part: Part) -> Sum:
        names = {
            "hold": into.table, "digest": Keywords((rowhash.digest(part.table_columns),)),
            "hash": Keywords((rowhash.of_digests("held.`d`"),)),
        }  # fmt: skip
        query = self.sql.statement("partition/450_hold_sum", names, part.range.values)
        row = db.row(query.sql, query.values) or {}
        unhashed = int(row["unhashed"])
        return Sum(int(row["row_count"]) - unhashed, int(row["xor1"]), int(row["xor2"]), row["min_id"], row["max_id"])

    def _one_by_one(self, db: Database, into: Hold, part: Part, *, digest: str) -> Chunk:
        """Compare the next held rows of a part; what differs goes back. At the end, rows that aren't there were removed.

        Raises Failed where an id is there twice.
        """
        if part.watermark is None:
            self._refuse_double(db, into)
        archived = self._archived(part)
        left = part.range.behind(*position(part.watermark)) if part.watermark else part.range
        names = {"hold": into.table, "digest": Keywords((digest,))}
        query = self.sql.statement("partition/460_held_rows", names, {**left.values, "limit": PAGE})
        rows = db.rows(query.sql, query.values)
        if not rows:
            self._digests = None
            return self._settled(db, part, 0)
        same = {int(r["id"]) for r in rows if r["digest"] and archived.get(int(r["id"])) == bytes.fromhex(r["digest"])}
        dated = [row for row in rows if isinstance(row["timestamp"], datetime)]  # else a day that no month has
        others = [int(row["id"]) for row in rows if int(row["id"]) not in same or row not in dated]
        if others:
            self._put_back(db, into, others)
        same.difference_update(others)
        kept = sum(number in archived for number in others)
        watermark = mark((dated[-1]["timestamp"], int(dated[-1]["id"]))) if dated else part.watermark
        parts.deleted(db, part, watermark, (len(same), 0, kept))
        return Chunk(len(same), f"{part.title} {watermark}", last=False)

    def _archived(self, part: Part) -> dict[int, bytes]:
        if self._digests is None or self._digests[0] != part.id:
            found: dict[int, bytes] = {}
            for batch in parquet.batches(self.place.store, part.path, part.table_columns):
                ids = (int(number) for number in batch.column("id").to_pylist())
                found.update(zip(ids, sums.digests(batch, part.table_columns), strict=True))
            self._digests = part.id, found
        return self._digests[1]

    def _refuse_double(self, db: Database, into: Hold) -> None:
        if (number := double_id(db, self.sql, into.table)) is not None:
            raise Failed(
                f"the id {number} is in {into.table} more than once, with different timestamps, and the archive can't tell them"
                f" apart; {into.month:%Y-%m} is out of {INTERACTIONS}, and all of its rows are in {into.table}",
                "Give all of them but one another id there, then type the same command again.", "double_id",
            )  # fmt: skip

    def _put_back(self, db: Database, into: Hold, ids: Sequence[int]) -> None:
        """Move rows back into the table, also those whose user or product isn't there: users may just be loaded anew."""
        alone: set[int] = set()
        for key in self.child.table.foreign_keys:
            query = self.sql.statement(
                "partition/470_parents_of_held", {"hold": into.table, "column": key.columns[0]}, {"ids": ids}
            )
            named = {int(row["id"]): row["parent"] for row in db.rows(query.sql, query.values)}
            there = restoring.parents_there(db, self.sql, key, set(named.values()))
            alone |= {number for number, parent in named.items() if parent not in there}
        live = {column.name for column in _columns(db, INTERACTIONS)}
        held = [column.name for column in _columns(db, into.table) if column.generated is None]
        columns = [name for name in held if name in live]
        names = {"hold": into.table, "table": INTERACTIONS, "columns": columns}
        for some, checks in (([n for n in ids if n not in alone], nullcontext()), (sorted(alone), db.checks_off())):
            if some:
                back = self.sql.statement("partition/480_put_back", names, {"ids": some})
                with db.sql_mode(EXACT), checks:
                    db.execute(back.sql, back.values)
        self._remark(f"{into.month:%Y-%m}: rows came or changed after their export; they are archived anew")
        leave = self.sql.statement("partition/485_leave_hold", {"hold": into.table}, {"ids": list(ids)})
        db.execute(leave.sql, leave.values)

    def _settled(self, db: Database, part: Part, rows: int) -> Chunk:
        """All of the part's rows are accounted for; those that weren't in the hold table had been removed."""
        deleted = part.deleted + rows
        removed = max(0, part.sum.rows - deleted - part.kept)  # what was erased meanwhile is in neither
        parts.deleted(db, part, part.watermark, (rows, removed, 0))
        parts.move(db, part, parts.DONE)
        counts = {"deleted": deleted, "removed": removed, "changed": part.kept}
        manifest.moved(self.place.store, part, parts.DONE, counts)
        return Chunk(rows, f"{part.title} done", last=False)

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)


def held_outside(db: Database, sql: SqlFolder, table: str, since: datetime, end: Range, *, limit: int) -> list[int]:
    """The ids of rows of a hold table before `since`, or from where `end` begins."""
    values = {"since": since, "last_timestamp": end.after, "last_id": end.after_id, "limit": limit}
    query = sql.statement("partition/465_held_rows_of_no_part", {"hold": table}, values)
    return [int(row["id"]) for row in db.rows(query.sql, query.values)]


def _columns(db: Database, name: str) -> tuple[Column, ...]:
    table = read_table(db, name)
    return table.columns if isinstance(table, Table) else ()
