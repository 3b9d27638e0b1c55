"""Server binaries out of Debian packages, unpacked into a folder: no root, and nothing is installed."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rlops.errors import Failed
from rlops.sandbox.build import run

CANONICAL = "http://deb.debian.org/debian"
KEYRINGS = Path("/usr/share/keyrings")
KEYRING = "debian-archive-keyring.[gp][pg][gp]"
HINT = "check the network; RLOPS_DEBIAN_MIRROR names another mirror, such as http://mirror.example/debian"

# Not the machine's: its lists, its lock, its pins and its hooks. The empty status makes libc come along; a mirror's
# sid index can be past its date, while its signature still counts.
APT_CONF = """\
Dir::State "{own}";
Dir::State::Lists "{own}/lists";
Dir::State::status "{own}/status";
Dir::Cache "{own}";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "";
APT::Install-Recommends "false";
APT::Get::List-Cleanup "false";
Debug::NoLocking "true";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
"""
# A third party's broken source on the machine is no reason to fail, one of ours is.
OWN_SOURCES = """\
Dir::Etc::sourcelist "{own}/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Update::Error-Mode "any";
"""
# 100 MB that a server doesn't read.
UNUSED = ("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/perl*", "usr/lib/*/perl*", "usr/lib/*/gconv")


def available() -> bool:
    """Whether this machine has apt-get and dpkg-deb."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None


def unpack(suite: str, package: str, folder: Path) -> None:
    """`package` of the Debian suite and all that it depends on, down to libc, unpacked into `folder`."""
    source = mirror()
    if not source.startswith("["):
        source = f"[signed-by={_keyring(folder)}] {source}"
    Apt(folder, f"deb {source} {suite} main").unpack(package)


def unpack_first(wanted: Sequence[str], folder: Path) -> None:
    """The first of the packages (a trailing * stands for any ending) that the machine's own suites have, unpacked."""
    apt = Apt(folder)
    for name in wanted:
        if found := apt.newest(name):
            apt.unpack(found)
            return
    raise Failed(f"this machine's package suites have none of {', '.join(wanted)}", HINT)


def mirror() -> str:
    """The mirror that serves Debian main to this machine.

    RLOPS_DEBIAN_MIRROR overrides it, and may start with options: "[signed-by=/etc/our.gpg] http://mirror.example/debian".
    """
    if chosen := os.environ.get("RLOPS_DEBIAN_MIRROR"):
        return chosen
    listed = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        "reading apt's configuration",
        HINT,
    )
    entries = [line.split() for line in listed.splitlines()]
    uris = [uri for uri, release, component in entries if component == "main" and "-" not in release]
    debian = [uri for uri in uris if uri.strip("/").endswith("debian")]
    if _on_debian():
        debian += uris
    return debian[0] if debian else CANONICAL


def _on_debian() -> bool:
    try:
        return platform.freedesktop_os_release()["ID"] == "debian"
    except OSError:
        return False


def _keyring(folder: Path) -> Path:
    """Debian's public keys; a machine of another distribution has them in a package, signed by its own."""
    found = sorted(KEYRINGS.glob(KEYRING))
    if not found:
        apt = Apt(folder / "keyring")
        apt.unpack("debian-archive-keyring")
        found = sorted((folder / "keyring").rglob(KEYRING))
    return found[0]


class Apt:
    """An apt of its own, in `folder`/apt, which knows `source` (by default the machine's own sources)."""

    def __init__(self, folder: Path, source: str = "") -> None:
        self.folder = folder
        self.own = folder / "apt"
        for needed in ("lists/partial", "archives/partial"):
            (self.own / needed).mkdir(parents=True, exist_ok=True)
        (self.own / "status").touch()
        (self.own / "sources.list").write_text(source + "\n")
        conf = APT_CONF + (OWN_SOURCES if source else "")
        (self.own / "apt.conf").write_text(conf.format(own=self.own))
        self._run("apt-get", "update", what="fetching the package index")

    def newest(self, wanted: str) -> str | None:
        """The package of that name, or, for a name that ends in *, the one with the greatest ending."""
        prefix = wanted.rstrip("*")
        names = self._run("apt-cache", "pkgnames", prefix, what="reading the package index").split()
        return max((name for name in names if name == wanted or wanted.endswith("*")), default=None)

    def unpack(self, package: str) -> None:
        """Download the package and its dependencies, and unpack them over one another."""
        self._run("apt-get", "--yes", "--download-only", "install", package, what=f"downloading {package}")
        archives = sorted((self.own / "archives").glob("*.deb"))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self._extract, archives))
        shutil.rmtree(self.own)
        for unused in (path for pattern in UNUSED for path in self.folder.glob(pattern)):
            shutil.rmtree(unused, ignore_errors=True)

    def _extract(self, archive: Path) -> None:
        run(["dpkg-deb", "-x", str(archive), str(self.folder)], f"unpacking {archive.name}", "is the disk full?")

    def _run(self, program: str, *arguments: str, what: str) -> str:
        environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        command = [program, "-qq", "-c", str(self.own / "apt.conf"), *arguments]
        return run(command, what, HINT, environment=environment)
