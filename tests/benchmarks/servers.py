"""Real servers with shops on them, started as the sandbox starts its own, and gone when the block ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pymysql
import pymysql.cursors

from rlops.sandbox import shop
from rlops.sandbox.provision import provide
from rlops.sandbox.server import RunningServer, start

from .report import say

TABLES = ("user_product_interactions", "rl_model_metadata", "user_context_features")
# As a shop's server is: its hot rows fit into memory, and its log is no bottleneck. MySQL's own default is 128 MiB.
MEMORY = ("--innodb-buffer-pool-size=2G",)
SIZED = {
    "mysql": (*MEMORY, "--innodb-redo-log-capacity=1G"),
    "mariadb": (*MEMORY, "--innodb-log-file-size=1G"),
    "oceanbase": (),
}
ACCOUNT = "'dsazuser'@'%'"


@dataclass
class Schema:
    """A schema with the shop's users and product in it."""

    server: RunningServer
    name: str

    @property
    def port(self) -> int:
        assert self.server.port
        return self.server.port

    @property
    def url(self) -> str:
        """What rlops and dbmate take."""
        return f"mysql://root@127.0.0.1:{self.port}/{self.name}"

    def connect(self, **overrides: Any) -> pymysql.Connection[Any]:
        """As root, autocommit. The caller closes it."""
        return pymysql.connect(**self.server.connect_args() | {"database": self.name, "autocommit": True} | overrides)

    def execute(self, *statements: str) -> int:
        """Run them on one connection; the last one's number of rows."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                count = cursor.execute(statement)
        return count

    def column(self, sql: str, *arguments: object) -> list[Any]:
        """The first column of a query."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return [row[0] for row in cursor.fetchall()]

    def tables(self) -> list[str]:
        """Those of the three tables that exist."""
        found = set(self.column("SHOW TABLES"))
        return [table for table in TABLES if table in found]

    def count(self, table: str, where: str = "TRUE") -> int:
        return int(self.column(f"SELECT COUNT(*) FROM `{table}` WHERE {where}")[0])


@dataclass
class Place:
    """A server, and as many shops on it as a benchmark wants."""

    server: RunningServer
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def engine(self) -> str:
        """For people: "MySQL 9.7.4"."""
        return shop.describe(self.server)

    def schema(self) -> Schema:
        """A new schema with a copy of the sandbox shop's 2,000 users and 500 products."""
        schema = Schema(self.server, f"bench{next(self._numbers)}")
        original = Schema(self.server, shop.SCHEMA)
        original.execute(f"CREATE DATABASE {schema.name} CHARACTER SET utf8mb4")
        for table in ("users", "product"):
            copy = f"{schema.name}.{table}"
            original.execute(f"CREATE TABLE {copy} LIKE {table}", f"INSERT INTO {copy} SELECT * FROM {table}")
        return schema

    def drop(self, schema: Schema) -> None:
        Schema(self.server, shop.SCHEMA).execute(f"DROP DATABASE {schema.name}")


@contextmanager
def place(label: str, options: Sequence[str] = ()) -> Iterator[Place]:
    """A server of that label with the sandbox's own options and memory for 2 GiB of rows, on a socket and on a port of 127.0.0.1.

    Raises Failed when it can't be had.
    """
    build = provide(label, say=say)
    options = (*shop.OPTIONS[build.family], *SIZED[build.family], *options)
    with start(build, shop.new_directory("bench"), tcp=True, options=options, say=say) as server:
        shop.make_shop(server)
        yield Place(server)
