"""Builds tidb-server 8.5.4 from the Go module proxy, once, into rlops' cache. `python -m tidb.build` does nothing else.

Its store is the one inside the server (unistore), so it needs nothing beside it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rlops.errors import Failed
from rlops.sandbox.build import Build, tail
from rlops.sandbox.cache import Say, cache_dir, once

VERSION = "8.5.4"
LABEL = f"tidb-{VERSION}"
OLDEST_GO = (1, 23)
HOURS = 3

# TiDB's tags aren't those of Go modules: this is the commit of v8.5.4. Its go.mod replaces the parser's module by the
# folder pkg/parser, which the module's own archive leaves out. Go checks each sum with sum.golang.org; these are beside it.
SERVER = (
    "github.com/pingcap/tidb@v1.1.0-beta.0.20251126154744-e4e814fdc0af",
    "h1:XbxlkSbDcD1RMxOaKMib+BwyzQHr2l3Ke59K27lFIII=",
)
PARSER = (
    "github.com/pingcap/tidb/pkg/parser@v0.0.0-20251126154744-e4e814fdc0af",
    "h1:vuDJApTAfkQHPiHS21zd04CEgd2NlJUBr6nUNM6rKHY=",
)
NAMED = f"-X github.com/pingcap/tidb/pkg/parser/mysql.TiDBReleaseVersion=v{VERSION}"
HINT = "Install Go from https://go.dev/dl; it needs its module proxy, 5 GB of disk and 10 to 30 minutes, once."


def provide(cache: Path, say: Say) -> Build:
    """The server, out of the cache, which it is built into first if need be. Raises Failed when it can't be."""
    folder = cache / "builds" / LABEL

    def make(half: Path) -> None:
        _need_go()
        say(f"building {LABEL} into {folder}; that takes 10 to 30 minutes, at low priority, and is done once")
        _build(half)

    once(folder, make, say)
    server = folder / "tidb-server"
    found = re.search(r"Release Version: v(\S+)", _run([str(server), "-V"], folder, "asking the server its version"))
    if not found or found[1] != VERSION:
        raise Failed(f"{server} is not {VERSION}", f"Remove {folder}, and it is built again.")
    return Build(LABEL, "tidb", VERSION, "built from the Go module proxy", (str(server),), folder)


def _need_go() -> None:
    if not shutil.which("go"):
        raise Failed("there is no go to build tidb-server with", HINT)
    said = _run(["go", "version"], Path.home(), "go version")
    found = re.search(r"go(\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < OLDEST_GO:
        raise Failed(f"{said.strip()} is too old: tidb-server wants {'.'.join(map(str, OLDEST_GO))}", HINT)


def _build(folder: Path) -> None:
    source = folder / "source"
    for (module, wanted), place in ((SERVER, source), (PARSER, source / "pkg" / "parser")):
        found = json.loads(_run(["go", "mod", "download", "-json", module], folder, f"fetching {module}"))
        if found["Sum"] != wanted:
            raise Failed(
                f"{module} has the sum {found['Sum']} and not {wanted}", "Something between here and the proxy lies."
            )
        shutil.copytree(
            found["Dir"], place, copy_function=shutil.copyfile
        )  # not its modes: nothing there may be written
        for made in (place, *(each for each in place.rglob("*") if each.is_dir())):
            made.chmod(0o755)
    command = ["nice", "-n", "19", "go", "build", "-trimpath", "-p", "2", "-ldflags", f"-s -w {NAMED}"]
    _run([*command, "-o", str(folder / "tidb-server"), "./cmd/tidb-server"], source, f"building {LABEL}")
    shutil.rmtree(source)


def _run(command: list[str], folder: Path, what: str) -> str:
    # The parser's folder isn't in go.sum, so go may add to it. GOTOOLCHAIN: what is too old is told, not replaced.
    settings = {"GOFLAGS": "-mod=mod -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **settings}, check=False, capture_output=True, text=True, timeout=HOURS * 3600,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{what} failed: {error}", HINT) from error
    if done.returncode:
        raise Failed(f"{what} failed ({done.returncode}): {tail(done.stderr)}", HINT)
    return done.stdout


if __name__ == "__main__":
    print(provide(cache_dir(), lambda said: print(said, file=sys.stderr)).command[0])
