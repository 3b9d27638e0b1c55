"""Get a server's binaries: an installed server, Debian's packages, or seekdb's wheel."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rlops.errors import Failed, Usage
from rlops.sandbox import debian, mysqld, seekdb
from rlops.sandbox.build import Build, run
from rlops.sandbox.cache import Say, cache_dir, once

# label: Debian's suite and package. sid moves on, so its version can be a later one than the label says.
PACKAGES = {
    "mysql-9.7": ("sid", "mysql-server-core"),
    "mariadb-10.11": ("bookworm", "mariadb-server-core"),
    "mariadb-11.8": ("trixie", "mariadb-server-core"),
}
LABELS = (*PACKAGES, seekdb.LABEL)
OLDEST = {"mysql": (8, 0), "mariadb": (10, 6)}


def provide(label: str, *, cache: Path | None = None, say: Say) -> Build:
    """The server of that label, out of the cache, which it is fetched into first (about 15 s) if need be.

    Raises Failed when it can't be had, with the reason and a hint, and Usage for an unknown label.
    """
    folder = (cache or cache_dir()) / "builds" / label
    if label == seekdb.LABEL:
        return seekdb.provide(folder, say)
    if label not in PACKAGES:
        raise Usage(f"no server is called {label}", hint=f"the servers are {', '.join(LABELS)}")
    suite, package = PACKAGES[label]
    if not folder.exists():
        _need_apt(label)
        say(f"fetching {package} from Debian {suite} into {folder} (nothing is installed)")
    once(folder, partial(debian.unpack, suite, package), say)
    build = unpacked(label, folder, f"unpacked from Debian {suite}")
    if not label.endswith("-" + build.version.rpartition(".")[0]):
        say(f"Debian {suite} has {package} {build.version} by now, which stands in for {label}")
    return build


def best_available(say: Say) -> Build:
    """The first that can be had and that initialises its data: an installed server, MySQL unpacked from Debian's
    packages, a server from this machine's own package suites, seekdb. Says which one it is, and why not another.

    Raises Failed when there is none.
    """
    hint = ""
    for what, get in _candidates(say):
        try:
            build = get()
            if build.family != "oceanbase":
                mysqld.seed(build, (), say)
        except Failed as failure:
            say(f"not {what}: {failure.message.splitlines()[0]}")
            hint = failure.hint
        else:
            say(f"the server is {what}: {build.name}")
            return build
    raise Failed("no server can be had on this machine", hint=hint or "use a server of your own, with --url")


def _candidates(say: Say) -> Iterator[tuple[str, Callable[[], Build]]]:
    found = [path for program in ("mysqld", "mariadbd") if (path := _which(program))]
    installed = {Path(path).resolve(): path for path in found}.values()  # MariaDB's mysqld is a link to its mariadbd
    for path in installed:
        yield f"the installed {path}", partial(_installed, path)
    if not installed:
        say("no mysqld or mariadbd is installed")
    if debian.available():
        yield "MySQL out of Debian's packages", partial(provide, "mysql-9.7", say=say)
        yield "one out of this machine's package suites", partial(_own_packages, say)
    else:
        say("there is no apt-get to fetch MySQL with")
    yield "seekdb, from PyPI", partial(provide, seekdb.LABEL, say=say)


def _which(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/usr/libexec")


def _installed(path: str) -> Build:
    family, version = identify((path,))
    if tuple(map(int, version.split(".")[:2])) < OLDEST[family]:
        raise Failed(f"{version} is too old")
    return Build(
        "installed", family, version, f"installed as {path}", (path,), Path(path).resolve().parents[1] / "share"
    )


def _own_packages(say: Say) -> Build:
    folder = cache_dir() / "builds" / "machine"
    wanted = ("mysql-server-core*", "mariadb-server-core*")
    once(folder, partial(debian.unpack_first, wanted), say)
    return unpacked("machine", folder, "unpacked from this machine's package suites")


def unpacked(label: str, folder: Path, origin: str) -> Build:
    """A server that runs through its own libc, whatever the machine's is."""
    servers = [folder / "usr/sbin" / name for name in ("mariadbd", "mysqld")]
    server = next((path for path in servers if path.exists()), None)
    libraries = [path for lib in ("lib", "usr/lib") for path in sorted((folder / lib).glob("*-linux-gnu*"))]
    loader = next((path for library in libraries for path in library.glob("ld-linux*.so.*")), None)
    share = next((path for name in ("mariadb", "mysql") if (path := folder / "usr/share" / name).exists()), None)
    if not (server and loader and share):
        raise Failed(f"{folder} is damaged", hint=f"rm -r {folder}")
    plugins = next(iter(sorted(folder.glob("usr/lib/*/plugin"))), folder)
    command = (
        *(str(loader), "--library-path", ":".join(map(str, libraries)), str(server)),
        *("--no-defaults", f"--basedir={folder}/usr", f"--lc-messages-dir={share}", f"--plugin-dir={plugins}"),
    )
    family, version = identify(command)
    return Build(label, family, version, origin, command, share)


def identify(command: tuple[str, ...]) -> tuple[str, str]:
    """The family and the version, as three numbers, that the server prints about itself."""
    printed = run([*command, "--version"], f"starting {command[0]}", hint="")
    found = re.search(r"Ver (\d+\.\d+\.\d+)", printed)
    if not found:
        raise Failed(f"can't make out the version: {printed.strip()}")
    return ("mariadb" if "MariaDB" in printed else "mysql"), found[1]


def _need_apt(label: str) -> None:
    if not debian.available():
        raise Failed(
            f"{label} comes out of Debian's packages, and there is no apt-get here", hint="use a Debian-family machine"
        )
