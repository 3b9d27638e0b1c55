"""A throw-away server with a synthetic shop on it: users, products and the application's account."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from rlops import sqlfiles
from rlops.db import connect
from rlops.sandbox.cache import Say
from rlops.sandbox.provision import best_available, provide
from rlops.sandbox.server import RunningServer, start
from rlops.settings import Target

SCHEMA = "ecommercedb"
ENGINES = {"mysql": "mysql-9.7", "mariadb": "mariadb-11.8"}  # what the short names stand for
LONGEST_FOLDER = 60  # bytes; a unix socket's whole path has to fit into 107

# What a throw-away server needs neither for safety nor for show; MariaDB counts the use of indexes only when told to.
FAST = ("--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0")
OPTIONS = {
    "mysql": ("--skip-log-bin", *FAST),
    "mariadb": ("--performance-schema=ON", *FAST),
    "oceanbase": (),
}
NAMES = {"mysql": "MySQL ", "mariadb": "MariaDB ", "oceanbase": "seekdb "}


def open_shop(directory: Path, engine: str | None, *, detached: bool, say: Say) -> RunningServer:
    """Start a server in `directory`, which must be new or empty, and make the shop on it.

    Without `engine` it is the best that can be had here, and `say` hears which and why. Unless `detached`, the server
    dies with this process. On any failure the directory goes, too. Raises Failed when no server can be had or started,
    Usage for an unknown engine.
    """
    try:
        build = provide(ENGINES.get(engine, engine), say=say) if engine else best_available(say)
        server = start(build, directory, options=OPTIONS[build.family], detached=detached, say=say)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    try:
        make_shop(server)
    except BaseException:
        server.close()
        raise
    return server


def make_shop(server: RunningServer) -> None:
    """Create the schema, 2,000 users, 500 products and the application's account, whose password nobody learns."""
    target = Target(host=None, port=None, socket=server.socket, user=server.user, environment="development", sources={})
    with connect(target, program="rlops sandbox", need_schema=False) as db:
        sql = sqlfiles.load(None, db.family)
        account = sql.policy.grants
        values = {"user": account.user, "host": account.host, "password": secrets.token_urlsafe(24)}
        for file in sql.group("sandbox"):
            statement = file.statement({"schema": SCHEMA}, values)
            db.execute(statement.sql, statement.values)


def new_directory(purpose: str) -> Path:
    """A new temporary folder whose path is short enough for sockets in it."""
    short = len(os.fsencode(tempfile.gettempdir())) <= LONGEST_FOLDER
    return Path(tempfile.mkdtemp(prefix=f"rlops-{purpose}-", dir=None if short else "/tmp"))  # noqa: S108


def describe(server: RunningServer) -> str:
    """The engine and its version, in words."""
    return NAMES[server.family] + server.version
