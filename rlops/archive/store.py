"""Where the archive is: a folder, or a prefix of an S3 bucket. A file appears under its name whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs

from rlops.errors import Failed, Usage

BLOCK = 1 << 20
LOOK_EVERY = 5.0  # seconds
TEMPORARY = re.compile(r"\.(.+?)(\.[0-9a-f]{8})?\.tmp")  # an older rlops' had no run in them
CONNECT_TIMEOUT, REQUEST_TIMEOUT, TRIES = 10.0, 60.0, 3


class Missing(Failed):
    """There is no such file."""


@dataclass(frozen=True)
class Stored:
    """A file as it was written or read: its bytes and their SHA-256."""

    bytes: int
    sha256: str


class Sink:
    """What a file's writer writes to; remembers the SHA-256 of all of it."""

    def __init__(self, out: Any) -> None:
        self._out, self._hash = out, hashlib.sha256()
        self.count, self.closed = 0, False

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._out.write(view)
        self._hash.update(view)
        self.count += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self.count

    def flush(self) -> None:
        """Nothing is kept back."""

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    @property
    def stored(self) -> Stored:
        return Stored(self.count, self._hash.hexdigest())


class Store:
    """Files below one root, by their paths relative to it. Raises Failed for what the place refuses.

    `sure` is called just before a file gets its name or is removed, and raises where another run may be at work by now.
    `sign` is a file, and its text, by which the place is known: without it nothing is written or removed.
    """

    def __init__(self, url: str, fs: Any, root: str, folder: Path | None, sure: Callable[[], None]) -> None:
        self.url, self._fs, self._root, self._folder, self._sure = url, fs, root, folder, sure
        self._run = uuid.uuid4().hex[:8]
        self.sign: tuple[str, str] | None = None
        self._look_at = 0.0

    def write(self, path: str, writer: Callable[[Sink], None]) -> Stored:
        """Write a file under a temporary name, make sure that it is on the disk, then give it its name."""
        temporary = self.temporary(path)
        stored = self.write_aside(temporary, writer)
        self.publish(temporary, path)
        return stored

    def write_aside(self, path: str, writer: Callable[[Sink], None]) -> Stored:
        """Write a file in place; only under a name that nobody reads."""
        self._known()
        with self._speaking(f"{path} can't be written"):
            if self._folder:
                (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
                with self.or_none(path), (self._folder / path).open("wb") as out:
                    sink = Sink(out)
                    writer(sink)
                    out.flush()
                    os.fsync(out.fileno())
                return sink.stored
            stream = self._fs.open_output_stream(self._at(path))
            sink = Sink(stream)
            writer(sink)
            stream.close()  # not in a finally: closing completes an upload, however little of it was sent
            return sink.stored

    def publish(self, temporary: str, path: str) -> None:
        """Give a file its name, in place of what had it, and remove what other runs were writing for that name."""
        with self.or_none(temporary):
            self._known()
            self._sure()
        with self._speaking(f"{path} can't be given its name"):
            if self._folder:
                (self._folder / temporary).replace(self._folder / path)
                self._sync_folders((self._folder / path).parent)
            else:
                self._fs.copy_file(self._at(temporary), self._at(path))
                self._fs.delete_file(self._at(temporary))
        for left in self.leftovers(path):
            self._delete(left)

    def leftovers(self, path: str) -> list[str]:
        """The files of runs that died, or lost their lock, while they wrote that one."""
        folder = path.rpartition("/")[0]
        return [name for name in self._list(self._at(folder) if folder else self._root) if written_for(name) == path]

    @contextmanager
    def open(self, path: str) -> Iterator[Any]:
        """A file for reading at any place. Raises Missing."""
        with self._speaking(f"{path} can't be read"):
            file = self._fs.open_input_file(self._at(path))
        with file:
            yield file

    def look(self, path: str) -> Stored:
        """Read a whole file and tell what it is. Raises Missing."""
        digest, count = hashlib.sha256(), 0
        with self.open(path) as file, self._speaking(f"{path} can't be read"):
            while block := file.read(BLOCK):
                digest.update(block)
                count += len(block)
        return Stored(count, digest.hexdigest())

    def text(self, path: str) -> str | None:
        """A small text file; None if there is none. Bytes that are no UTF-8 become surrogates."""
        try:
            with self.open(path) as file, self._speaking(f"{path} can't be read"):
                return bytes(file.read()).decode("utf-8", "surrogateescape")
        except Missing:
            return None

    def write_text(self, path: str, text: str) -> None:
        """Write a small text file."""
        self.write(path, lambda sink: void(sink.write(text.encode())))

    def files(self) -> Mapping[str, int]:
        """Every file below the root, with its size in bytes; empty if there is no such folder.

        Not what is in lost+found, which the root of a disk has, and which its administrator alone may read.
        """
        found = self._look_into(self._root)
        for info in list(found):
            if info.type == pa.fs.FileType.Directory and info.base_name != "lost+found":
                found += self._look_into(info.path, recursive=True)
        return self._sizes(found)

    def _list(self, at: str) -> Mapping[str, int]:
        return self._sizes(self._look_into(at))

    def _look_into(self, at: str, *, recursive: bool = False) -> list[Any]:
        with self._speaking("the archive can't be listed"):
            return list(self._fs.get_file_info(pa.fs.FileSelector(at, recursive=recursive, allow_not_found=True)))

    def _sizes(self, found: Iterable[Any]) -> Mapping[str, int]:
        start = len(self._root) + 1
        return {info.path[start:]: info.size for info in found if info.type == pa.fs.FileType.File}

    def remove(self, path: str) -> None:
        """Remove a file that may be there."""
        self._known()
        self._sure()
        self._delete(path)

    def refuse_gone(self, path: str) -> None:
        """Raise Failed where this place is gone, or that file in it; of a bucket no more is asked than every LOOK_EVERY seconds."""
        if self._folder and not (self._folder / path).is_file():
            self._known()
            raise Missing(f"{path} is gone", "Bring it back from a copy of the archive.", "archive_missing")
        if self._folder or time.monotonic() >= self._look_at:
            self._known()
            self._look_at = time.monotonic() + LOOK_EVERY

    def _known(self) -> None:
        if self.sign and self.text(self.sign[0]) != self.sign[1]:
            raise Failed(
                f"the archive {self.url} is gone: its {self.sign[0]} isn't what it was when this run began. Nothing more is"
                " written there, or deleted for it",
                "Is it mounted? Mount it, then type the same command again: it goes on from here.", "archive_gone",
            )  # fmt: skip

    @contextmanager
    def or_none(self, temporary: str) -> Iterator[None]:
        """Leave none of this run's own files behind that came to nothing."""
        try:
            yield
        except BaseException:
            with suppress(Failed):
                self._delete(temporary)
            raise

    def _delete(self, path: str) -> None:
        with suppress(Missing), self._speaking(f"{path} can't be removed"):
            self._fs.delete_file(self._at(path))

    def temporary(self, path: str) -> str:
        """The name under which this run writes a file: no other run has it, and no reader of Parquet takes it."""
        folder, _, name = path.rpartition("/")
        return f"{folder}/.{name}.{self._run}.tmp" if folder else f".{name}.{self._run}.tmp"

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _sync_folders(self, folder: Path) -> None:
        assert self._folder
        for each in (folder, *(parent for parent in folder.parents if self._folder in (parent, *parent.parents))):
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise Missing(f"{what} in {self.url}: there is no such file", "", "archive_missing") from error
        except (OSError, pa.ArrowException) as error:
            reason = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise Failed(
                f"{what} in {self.url}: {reason}", "Mend the cause, then type the same command again.", "archive_store"
            ) from error


def written_for(path: str) -> str | None:
    """The file that is being written under this name, or was by a run that died; None if it is no such name."""
    folder, slash, name = path.rpartition("/")
    found = TEMPORARY.fullmatch(name)
    return f"{folder}{slash}{found[1]}" if found else None


def void(_: object) -> None:
    """Takes a value that nobody wants."""


def open_store(destination: str, sure: Callable[[], None] = lambda: None) -> Store:
    """Open what `absolute` gave. An S3 URL may say ?endpoint_override=HOST:PORT&scheme=http&region=NAME."""
    if not destination.startswith("s3://"):
        return Store(destination, pa.fs.LocalFileSystem(), destination.rstrip("/"), Path(destination), sure)
    parts = urllib.parse.urlsplit(destination)
    said = dict(urllib.parse.parse_qsl(parts.query))
    if unknown := set(said) - {"endpoint_override", "scheme", "region"}:
        raise Usage(f"{destination!r}: nothing is known of {sorted(unknown)[0]!r}", "", "bad_destination")
    region = said.pop("region", None) or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    fs = pa.fs.S3FileSystem(
        **said, region=region, connect_timeout=CONNECT_TIMEOUT, request_timeout=REQUEST_TIMEOUT,
        retry_strategy=pa.fs.AwsStandardS3RetryStrategy(max_attempts=TRIES),
    )  # fmt: skip
    return Store(destination, fs, (parts.netloc + parts.path).rstrip("/"), None, sure)
