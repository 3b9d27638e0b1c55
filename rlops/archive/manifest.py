"""The manifest beside a part: what its file holds, where that came from, and how far its deletion has come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rlops.archive import sealed
from rlops.archive.parquet import Damaged
from rlops.archive.parts import Part
from rlops.archive.store import Missing, Store, Stored
from rlops.archive.sums import Sum
from rlops.errors import Failed
from rlops.structure import Column

FORMAT = "rlops-archive/1"


def path_of(part: str) -> str:
    """The manifest's path. Readers of a folder of Parquet leave out what begins with an underscore."""
    folder, _, name = part.rpartition("/")
    return f"{folder}/_{name.removesuffix('.parquet')}.manifest.json"


@dataclass(frozen=True)
class Contents:
    """What a file holds."""

    sha256: str
    bytes: int
    rows: int
    min_id: int | None
    max_id: int | None
    hash: str
    why: str = ""

    @classmethod
    def of(cls, stored: Stored, sum_: Sum, why: str = "") -> Contents:
        return cls(stored.sha256, stored.bytes, sum_.rows, sum_.min_id, sum_.max_id, sum_.hash, why)

    @property
    def stored(self) -> Stored:
        return Stored(self.bytes, self.sha256)

    @property
    def sum(self) -> Sum:
        return Sum(self.rows, int(self.hash[:16], 16), int(self.hash[16:], 16), self.min_id, self.max_id)


@dataclass(frozen=True)
class Manifest:
    """All that is known of one part. `pending` is what the file is about to be replaced with, or is already."""

    installation: str
    token: str
    path: str
    month: str
    number: int
    state: str
    contents: Contents
    columns: tuple[tuple[str, str, bool], ...]
    source: dict[str, Any]
    bounds: dict[str, Any]
    pending: Contents | None = None
    history: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def table_columns(self) -> list[Column]:
        """The columns of the rows, as the table had them."""
        return [Column(name, kind, null) for name, kind, null in self.columns]

    def write(self, store: Store) -> None:
        """Write it beside its part, in place of the one before."""
        fields = {"format": FORMAT, "hash_algorithm": "SHA-256 of each row's text, 2 × 64 bits, XOR", **asdict(self)}
        store.write_text(path_of(self.path), sealed.dump(json.loads(json.dumps(fields, default=str))))

    def replaced(self) -> Manifest:
        """With what was pending as what holds."""
        assert self.pending
        return replace(self, contents=self.pending, pending=None, history=(*self.history, self.pending.why))


def contents_of(part: Part) -> Contents:
    """What the record says of a part's file."""
    return Contents.of(Stored(part.bytes, part.sha256 or ""), part.sum)


def wrong(store: Store, part: Part) -> str:
    """What is wrong with a part's manifest, or with its file's bytes; "" when nothing is. Raises Missing, Damaged.

    Bytes that were decoded and compared when the part was verified hold the same rows yet.
    """
    known = read(store, part.path)
    if known is None or known.token != part.token:
        return "its manifest is missing or another's"
    found, wanted = store.look(part.path), contents_of(part).stored
    return "" if found == wanted else f"its SHA-256 is {found.sha256[:16]}… instead of {wanted.sha256[:16]}…"


def wrong_or_gone(store: Store, part: Part) -> str:
    """The same, where a file that is gone, or a manifest that can't be read, is wrong too."""
    try:
        return wrong(store, part)
    except (Missing, Damaged) as error:
        return error.message


def moved(store: Store, part: Part, state: str, counts: Mapping[str, int]) -> None:
    """Write a part's new state, and what became of its rows, into its manifest."""
    known = read(store, part.path)
    if known is None:
        raise Failed(
            f"{path_of(part.path)} is gone, and with it what {part.path} is known by",
            "Bring it back from a copy of the archive, then type the same command again.", "archive_damaged",
        )  # fmt: skip
    replace(known, state=state, counts=dict(counts)).write(store)


def read(store: Store, part: str) -> Manifest | None:
    """The manifest of a part; None if there is none. Raises Damaged when a byte of it was changed."""
    path = path_of(part)
    text = store.text(path)
    if text is None:
        return None
    try:
        fields = sealed.load(text)
        if fields.pop("format") != FORMAT:
            raise ValueError("it is of another format")
        del fields["hash_algorithm"]
        fields["contents"] = Contents(**fields["contents"])
        fields["pending"] = Contents(**fields["pending"]) if fields["pending"] else None
        fields["columns"] = tuple((name, kind, null) for name, kind, null in fields["columns"])
        fields["history"] = tuple(fields["history"])
        return Manifest(**fields)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{path} isn't as it was written: {error}", "", "archive_damaged") from error
