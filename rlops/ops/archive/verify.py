"""Read all of cold storage again, and hold it to its manifests and to what rlops has recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any

from rlops.archive import manifest, parquet, parts
from rlops.archive import place as places
from rlops.archive.manifest import Manifest
from rlops.archive.parts import Part
from rlops.archive.store import Missing, Store, open_store, written_for
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.events import Emit, Progress
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.structure import Finding
from rlops.words import counted

LOOKS = 5  # at a part that another run is changing


def verify(db: Database, sql: SqlFolder, to: str | None, emit: Emit) -> Answer:
    """Decode every part and compare its bytes and rows with its manifest, and the manifest with the record.

    Raises Refused when no archive is known or there is none in `to`, Failed when it can't be listed.
    """
    del sql
    where = to or places.recorded(db)
    if not where:
        raise Refused(
            f"{db.schema} has no archive on record",
            "`rlops archive run` makes one; --to reads another.",
            "no_destination",
        )
    store = open_store(where)
    found = _Reading(db, store, emit)
    findings = [*found.root(), *found.all()]
    data = {
        "destination": where, "parts": found.read, "rows": found.rows, "bytes": found.bytes,
        "findings": [asdict(finding) for finding in findings],
    }  # fmt: skip
    exit_code = Exit.FINDINGS if findings else Exit.OK
    ending = f"{counted(len(findings), 'finding')}." if findings else "all as it was written."
    headline = (
        f"{counted(found.read, 'part')} with {counted(found.rows, 'interaction')} read again in {where}: {ending}"
    )
    return Answer("archive verify", exit_code, data, notes=tuple(found.notes), headline=headline)


class _Reading:
    def __init__(self, db: Database, store: Store, emit: Emit) -> None:
        self.db, self.store, self.emit = db, store, emit
        self.files: Mapping[str, int] = store.files()
        self.parts = self._recorded()  # after the files, each of which has its row first
        self.read, self.rows, self.bytes = 0, 0, 0
        self.notes: list[str] = []

    def _recorded(self) -> dict[str, Part]:
        return {part.path: part for part in parts.all_parts(self.db)}

    def _begun(self) -> Iterator[str]:
        return (path for path, part in self.parts.items() if part.state in (parts.PLANNED, parts.EXPORTED))

    def root(self) -> Iterator[Finding]:
        """Whether the root file is this installation's."""
        try:
            known = places.root(self.store)
        except Refused as error:
            yield _finding("root", places.ROOT_FILE, "as it was written", error.message, error.hint)
            return
        mine = places.installation(self.db)
        if known is None:
            if not (self.parts or self.files or places.recorded(self.db)):
                raise Refused(
                    f"there is no archive in {self.store.url}, and none on record",
                    "Is it mounted, and is it the right place? `rlops archive run` makes one.", "no_archive",
                )  # fmt: skip
            if self.parts or self.files:
                yield _finding(
                    "root", places.ROOT_FILE, mine, "missing", "Is the archive mounted, and is it the right place?"
                )
        elif known.get("installation") != mine:
            yield _finding(
                "root", places.ROOT_FILE, mine, str(known.get("installation")), "It is another installation's."
            )

    def all(self) -> Iterator[Finding]:
        """Every part, then every file that is none."""
        stored = {path for path in self.files if path.endswith(".parquet") and manifest.path_of(path) in self.files}
        known = set(self.parts) - set(self._begun())
        for path in sorted(stored | known):
            yield from self._twice(path)
        expected = {places.ROOT_FILE} | {name for path in stored | known for name in (path, manifest.path_of(path))}
        for path in sorted(set(self.files) - expected):
            yield from self._other(path)
        if begun := sorted(self._begun()):
            self.notes.append(
                f"{counted(len(begun), 'part')} not finished; what began it goes on when typed again: {', '.join(begun)}"
            )

    def _twice(self, path: str) -> list[Finding]:
        """What two looks in a row find wrong with a part, each by its row as it is then.

        Another run may change the row, the manifest or the file between the reading of one and of the next.
        """
        before: list[Finding] | None = None
        for _ in range(LOOKS):
            so_far = self.read, self.rows, self.bytes
            found = list(self._part(path, self.parts.get(path)))
            if not found or found == before:
                return found
            before, self.parts = found, self._recorded()
            self.read, self.rows, self.bytes = so_far
        again = "Another run is at work on it: type `rlops archive verify` again once that has ended."
        return [_finding("file", path, "the same by two looks in a row", f"another by each of {LOOKS}", again)]

    def _part(self, path: str, part: Part | None) -> Iterator[Finding]:
        if part and part.state == parts.PLANNED:
            return
        try:
            known = manifest.read(self.store, path)
        except parquet.Damaged as error:
            yield _finding("manifest", path, "as it was written", error.message, _hint(part))
            known = None
        else:
            if known is None:
                yield _finding("manifest", manifest.path_of(path), "beside its part", "missing", _hint(part))
        if known is None and part is None:
            return
        if known and part:
            yield from _differences(known, part)
        elif known:
            yield _finding(
                "record", path, f"a row in {parts.TABLE}", "missing", "Was the database restored from a backup?"
            )
        yield from self._contents(path, known, part)

    def _contents(self, path: str, known: Manifest | None, part: Part | None) -> Iterator[Finding]:
        if known:
            choices, columns = [each for each in (known.contents, known.pending) if each], known.table_columns
        else:
            assert part
            choices, columns = [manifest.contents_of(part)], part.table_columns
        wrong = ""
        for contents in choices:
            try:
                wrong = parquet.check(self.store, path, columns, contents.stored, contents.sum)
            except Missing:
                wrong = "missing"
            except Failed as error:
                wrong = error.message
            if not wrong:
                self.read, self.rows, self.bytes = self.read + 1, self.rows + contents.rows, self.bytes + contents.bytes
                self.emit(Progress("read again", self.rows, None, 0.0))
                return
        yield _finding("file", path, f"{choices[0].rows:,} rows, SHA-256 {choices[0].sha256[:16]}…", wrong, _hint(part))

    def _other(self, path: str) -> Iterator[Finding]:
        name = PurePosixPath(path).name
        manifests = {manifest.path_of(place) for place in self.parts}
        if {path, written_for(path)} & {*self.parts, *manifests, places.ROOT_FILE}:
            self.notes.append(f"{path} is left from a run that was interrupted; it counts for nothing")
            return
        orphaned = name.startswith("_part-") and name.endswith(".manifest.json")
        actual = "a manifest without its part" if orphaned else "a file that rlops did not write"
        yield _finding(
            "extra", path, "nothing", actual, "Move it away: who reads the folder as one dataset reads it, too."
        )


def _differences(known: Manifest, part: Part) -> Iterator[Finding]:
    recorded = manifest.contents_of(part)
    accepted = [each for each in (known.contents, known.pending) if each]
    same = any(
        (each.sha256, each.rows, each.hash) == (recorded.sha256, recorded.rows, recorded.hash) for each in accepted
    )
    if not (same or part.replacing):  # whoever comes next settles which file that is
        yield _finding(
            "record", part.path, f"{recorded.rows:,} rows, SHA-256 {recorded.sha256[:16]}…",
            f"{known.contents.rows:,} rows, SHA-256 {known.contents.sha256[:16]}… in the manifest", _hint(part),
        )  # fmt: skip
    if known.token != part.token:
        yield _finding(
            "record", part.path, part.token, f"{known.token} in the manifest", "It is another export's file."
        )


def _hint(part: Part | None) -> str:
    if part is None or part.fixed:
        return "Bring the file back from a copy of the archive: its rows are no longer in the database."
    return "Its rows are in the database yet: bring the file back from a copy, or `rlops cleanup` exports them anew."


def _finding(check: str, place: str, expected: str, actual: Any, hint: str) -> Finding:
    return Finding(check, place, expected, str(actual), hint)
