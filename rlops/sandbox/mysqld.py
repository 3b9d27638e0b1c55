"""How MySQL and MariaDB are initialised and which options they get."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from rlops.sandbox.build import Build, run
from rlops.sandbox.cache import Say, cache_dir, once

# Options that shape the data directory when it is initialised, and so are part of a seed's name.
SHAPING = ("--lower-case-table-names", "--innodb-page-size", "--innodb-data-file-path", "--innodb-undo-tablespaces")

# In the order of mariadb-install-db; either prefix, by version.
BOOTSTRAP = ("system_tables", "performance_tables", "system_tables_data", "sys_schema")
GIS = "maria_add_gis_sp_bootstrap.sql"

# MySQL alone needs it (MariaDB's scripts create the account), and can't create accounts while it initialises.
ROOT_OVER_TCP = """\
CREATE USER root@'127.0.0.1';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
SHUTDOWN;
"""


def command(build: Build, directory: Path, port: int | None, options: Sequence[str]) -> tuple[str, ...]:
    """The whole command line; `options` come last, and win."""
    network = (f"--port={port}", "--bind-address=127.0.0.1") if port else ("--skip-networking",)
    own = ("--mysqlx=OFF",) if build.family == "mysql" else ()
    return (
        *_base(build, directory / "data"),
        *(f"--socket={directory / 'sql.sock'}", f"--pid-file={directory / 'server.pid'}"),
        *("--skip-name-resolve", "--innodb-buffer-pool-size=128M", *network, *own, *options),
    )


def seed(build: Build, options: Sequence[str], say: Say) -> Path:
    """An initialised data directory in the cache, to be copied; made at the first call, in 2 to 6 s.

    It has root without a password, from this machine only. Raises Failed with the server's last words.
    """
    shaping = tuple(option for option in options if option.replace("_", "-").startswith(SHAPING))
    identity = "\n".join((*build.command, build.version, *shaping))
    name = f"{build.label}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    # InnoDB doesn't find its files in a folder whose name starts with a dot, as a half-made one's does.
    return once(cache_dir() / "seeds" / name, lambda half: _initialise(build, half / "data", shaping), say) / "data"


def _initialise(build: Build, data: Path, shaping: Sequence[str]) -> None:
    what, hint = (
        f"initialising a data directory of {build.name}",
        "use a server of your own with --url",
    )
    base = (*_base(build, data), *shaping)
    data.mkdir()
    if build.family == "mariadb":
        (data / "mysql").mkdir()
        run([*base, "--bootstrap"], what, hint, stdin=_system_tables(build.share))
        return
    run([*base, "--initialize-insecure"], what, hint)
    script = data / "accounts.sql"
    script.write_text(ROOT_OVER_TCP)
    # Paths relative to the data directory, which mysqld changes to: the cache's may be too long for a socket.
    quiet = ("--skip-networking", "--mysqlx=OFF", "--skip-log-bin", "--socket=sql.sock", "--pid-file=server.pid")
    run([*base, *quiet, f"--init-file={script.name}"], what, hint)
    script.unlink()
    # Each copy is to be a server with an identity of its own.
    (data / "auto.cnf").unlink()


def _system_tables(share: Path) -> str:
    scripts = [path for name in BOOTSTRAP for path in sorted(share.rglob(f"m*_{name}.sql"))]
    scripts += sorted(share.rglob(GIS))
    sql = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    return f"CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n{sql}"


def _base(build: Build, data: Path) -> tuple[str, ...]:
    first = build.command if "--no-defaults" in build.command else (*build.command, "--no-defaults")
    user = ("--user=root",) if os.geteuid() == 0 else ()
    # A server that starts, or is initialised, deletes the temporary tables of every other one in a shared /tmp.
    return (*first, f"--datadir={data}", f"--tmpdir={data.parent}", "--secure-file-priv=", *user)
