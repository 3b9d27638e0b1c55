"""The user's cache, and the one way of putting something into it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rlops.errors import Failed

Say = Callable[[str], None]


def cache_dir() -> Path:
    """$RLOPS_CACHE, else $XDG_CACHE_HOME/rlops, else ~/.cache/rlops."""
    if own := os.environ.get("RLOPS_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "rlops"


def once(path: Path, make: Callable[[Path], None], say: Say) -> Path:
    """`path`, filled by `make` unless it is there already.

    `make` gets a temporary folder beside `path`, which is renamed when it is whole: a process that is killed in the
    middle leaves nothing that looks finished, and a second process waits for the first one's result.
    Raises Failed when the disk is full or the folder can't be written.
    """
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent / f".{path.name}.lock", say):
            if not path.exists():
                _make(path, make)
    except OSError as error:
        raise Failed(
            f"can't prepare {path}: {error.strerror or error}",
            hint="free some space, or set RLOPS_CACHE to a folder that you can write to",
        ) from error
    return path


def _make(path: Path, make: Callable[[Path], None]) -> None:
    for leftover in path.parent.glob(f".{path.name}.*.half"):
        shutil.rmtree(leftover, ignore_errors=True)
    half = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".half", dir=path.parent))
    try:
        make(half)
        half.rename(path)
    finally:
        shutil.rmtree(half, ignore_errors=True)


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another rlops, which prepares {path.parent.name}/{path.name[1:-5]}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
