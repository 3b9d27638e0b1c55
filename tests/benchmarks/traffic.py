"""The shop's traffic while a tool works: readers of `users`, a writer of interactions, each with its latencies."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import pymysql

from .servers import Schema

PAUSE = 0.005  # seconds between two statements


class _Client:
    """Runs one statement over and over in a thread, on a connection of its own, until the block ends."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.seconds: list[float] = []
        self.errors: list[str] = []
        self._began: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def statement(self, number: random.Random) -> tuple[str, tuple[Any, ...]]:
        raise NotImplementedError

    def longest(self) -> float:
        """Seconds, the statement that is under way included."""
        began = self._began
        return max([*self.seconds, time.perf_counter() - began if began else 0.0])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _loop(self) -> None:
        numbers = random.Random(1)
        with self.schema.connect() as connection, connection.cursor() as cursor:
            while not self._stop.is_set():
                sql, values = self.statement(numbers)
                self._began = time.perf_counter()
                try:
                    cursor.execute(sql, values)
                except pymysql.Error as error:
                    self.errors.append(str(error))
                self.seconds.append(time.perf_counter() - self._began)
                self._began = None
                self._stop.wait(PAUSE)


class Reader(_Client):
    """Somebody who looks up a user."""

    def statement(self, number: random.Random) -> tuple[str, tuple[Any, ...]]:
        return "SELECT email FROM users WHERE id = %s", (number.randint(1, 2000),)


class Writer(_Client):
    """The recommender, which inserts interactions one by one."""

    def statement(self, number: random.Random) -> tuple[str, tuple[Any, ...]]:
        sql = (
            "INSERT INTO user_product_interactions (user_id, product_id, interaction_type, session_id, context, reward)"
            " VALUES (%s, %s, 'VIEW', 'a-session-of-thirty-six-characters-xx', '{\"page\": 1}', 0.1)"
        )
        return sql, (number.randint(1, 2000), number.randint(1, 500))


@dataclass(frozen=True)
class Seen:
    """`seconds` that something took, and a client's latencies meanwhile, in seconds; `errors` of its statements failed."""

    seconds: float
    latencies: list[float]
    errors: int

    @property
    def longest(self) -> float:
        return max(self.latencies, default=0.0)


def beside(client: _Client, work: Callable[[], object]) -> Seen:
    """Do that while the client is at work, which begins half a second before."""
    with client:
        time.sleep(0.5)
        first = len(client.seconds)
        began = time.perf_counter()
        work()
        seconds = time.perf_counter() - began
    return Seen(seconds, client.seconds[first:], len(client.errors))
