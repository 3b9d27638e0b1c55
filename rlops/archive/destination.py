"""A destination as it is typed, and as it is recorded."""

from __future__ import annotations

import os
import urllib.parse
from pathlib import Path

from rlops.errors import Usage


def absolute(url: str, cwd: Path, home: Path) -> str:
    """The destination as it is recorded: an absolute path, or an s3:// URL. Raises Usage for anything else."""
    scheme = urllib.parse.urlsplit(url).scheme if ":/" in url else ""
    if scheme == "s3":
        return _bucket(url)
    path = _path(url) if scheme and "://" in url else url
    if not path:
        raise Usage("the archive's destination is empty", "Name a folder or an s3:// URL.", "bad_destination")
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise Usage(
            f"{path!r} can't be recorded: its name is no UTF-8", "Name another folder.", "bad_destination"
        ) from error
    return os.path.normpath(home / path[2:] if path.startswith("~/") else cwd / path)


def _path(url: str) -> str:
    """The folder that a file:// URL names."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "file":
        raise Usage(f"{url!r} is neither a folder nor an s3:// URL", "", "bad_destination")
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise Usage(
            f"{url!r} names no folder of this machine", "Write file:///folder, or the folder alone.", "bad_destination"
        )
    return urllib.parse.unquote(parts.path)


def _bucket(url: str) -> str:
    """An s3:// URL as it is recorded; its key has no parts that a server or Arrow would understand in another way."""
    parts = urllib.parse.urlsplit(url)
    if "@" in parts.netloc:
        raise Usage(
            "an s3:// URL with a key in it would be recorded with the archive, for everybody to read",
            "Give the key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in AWS' own files.", "key_in_url",
        )  # fmt: skip
    if not parts.netloc:
        raise Usage(f"{url!r} names no bucket", "Write s3://bucket/prefix.", "bad_destination")
    prefix = parts.path[1:].rstrip("/")
    if "#" in url or (prefix and {"", ".", ".."} & set(prefix.split("/"))):
        raise Usage(
            f"{url!r}: its prefix has a # or an empty part, or is . or .. in one",
            "Name another prefix.",
            "bad_destination",
        )
    url = f"s3{url[2:]}"
    return url if parts.query else url.rstrip("/")
