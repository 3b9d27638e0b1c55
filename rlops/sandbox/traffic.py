"""Synthetic traffic of the shop: interactions, models and feature vectors, the same ones for the same seed number."""

from __future__ import annotations

import json
import uuid
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Any

BATCH = 500  # rows of one statement
MIX = {
    "VIEW": 620,
    "CLICK": 220,
    "CART_ADD": 70,
    "WISHLIST": 40,
    "PURCHASE": 25,
    "REMOVE_CART": 15,
    "REMOVE_WISHLIST": 10,
}
BY_WEEKDAY = (0.9, 0.9, 0.95, 1.0, 1.1, 1.3, 1.2)  # Monday first
BY_HOUR = (3, 2, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 13, 12, 10, 10, 11, 13, 16, 19, 21, 20, 13, 7)
GROWTH = 2.0  # the last day has this many times the first day's traffic
SECONDS_BETWEEN = 45.0  # mean, between two interactions of a session
LONGEST_SESSION = 15

DEVICES, DEVICE_SHARES = ("mobile", "desktop", "tablet"), (62, 31, 7)
REFERRERS, REFERRER_SHARES = ("search", "direct", "email", "social", "ads"), (38, 27, 14, 12, 9)
MODELS = ("homepage", "similar-products", "cart-upsell")
VERSIONS = 4
FEATURES = 50

Row = list[Any]


@dataclass(frozen=True)
class Traffic:
    """What happened in the shop between two times, whose users and products have these ids.

    `rewards` holds the reward of each interaction type. Rows are lists, in the order of the SQL file that takes them.
    """

    rows: int
    since: datetime
    until: datetime
    users: Sequence[int]
    products: Sequence[int]
    rewards: Mapping[str, Decimal]
    algorithms: Sequence[str]
    seed_number: int = 1

    @property
    def batches(self) -> int:
        """How many batches of interactions there are."""
        return -(-self.rows // BATCH)

    @property
    def feature_batches(self) -> int:
        """How many batches of feature vectors there are."""
        return -(-len(self.users) // BATCH)

    def interactions(self, number: int) -> list[Row]:
        """The batch of that number, counted from 0; batches and their rows are in the order of time."""
        random = self._random("interactions", number)
        wanted = min(BATCH, self.rows - number * BATCH)
        rows: list[Row] = []
        while len(rows) < wanted:
            rows += self._session(random, self._moment((number + random.random()) / self.batches))
        return sorted(rows[:wanted], key=lambda row: row[4])

    def features(self, number: int) -> list[Row]:
        """The feature vectors of the users of that batch."""
        random = self._random("features", number)
        users = self.users[number * BATCH : (number + 1) * BATCH]
        return [[user, json.dumps(_features(random)), _text(self.until)] for user in users]

    def models(self) -> list[Row]:
        """Some models with some versions each, of which the last is active."""
        random = self._random("models", 0)
        rows: list[Row] = []
        for number, name in enumerate(MODELS):
            algorithm = self.algorithms[number % len(self.algorithms)]
            for version in range(1, VERSIONS + 1):
                trained = self.until - (VERSIONS + 1 - version) * (self.until - self.since) / (VERSIONS + 1)
                metrics = json.dumps(_metrics(random, version))
                path = f"s3://models/{name}/1.{version}.0/model.bin"
                active = int(version == VERSIONS)
                by = random.choice(self.users)
                rows.append([name, f"1.{version}.0", algorithm, active, _text(trained), metrics, path, by])
        return rows

    def _random(self, what: str, number: int) -> Random:
        return Random(f"{self.seed_number}/{what}/{number}")  # noqa: S311

    def _session(self, random: Random, at: datetime) -> list[Row]:
        user = _popular(random, self.users)
        session = str(uuid.UUID(int=random.getrandbits(128), version=4))
        device = random.choices(DEVICES, DEVICE_SHARES)[0]
        referrer = random.choices(REFERRERS, REFERRER_SHARES)[0]
        rows = []
        for kind in random.choices(self._types, self._shares, k=random.randint(1, LONGEST_SESSION)):
            product = _popular(random, self.products)
            context = json.dumps(_context(random, product, device, referrer))
            rows.append([user, product, kind, session, _text(at), context, str(self.rewards[kind])])
            at = min(self.until, at + timedelta(seconds=random.expovariate(1 / SECONDS_BETWEEN)))
        return rows

    @cached_property
    def _types(self) -> tuple[str, ...]:
        return tuple(self.rewards)

    @cached_property
    def _shares(self) -> tuple[int, ...]:
        return tuple(MIX.get(kind, 10) for kind in self.rewards)

    @cached_property
    def _curve(self) -> list[float]:
        """The traffic until the end of each hour."""
        hours = max(1, round((self.until - self.since) / timedelta(hours=1)))
        times = (self.since + timedelta(hours=hour) for hour in range(hours))
        growing = (1 + (GROWTH - 1) * hour / hours for hour in range(hours))
        return list(
            accumulate(g * BY_WEEKDAY[at.weekday()] * BY_HOUR[at.hour] for g, at in zip(growing, times, strict=True))
        )

    def _moment(self, share: float) -> datetime:
        """When this share (0 to 1) of the traffic had happened."""
        curve = self._curve
        wanted = share * curve[-1]
        hour = min(bisect(curve, wanted), len(curve) - 1)
        before = curve[hour - 1] if hour else 0.0
        return self.since + (self.until - self.since) * (
            (hour + (wanted - before) / (curve[hour] - before)) / len(curve)
        )


def _popular(random: Random, ids: Sequence[int]) -> int:
    """A few are met much more often than the rest."""
    return ids[int(len(ids) * random.random() ** 2)]


def _context(random: Random, product: int, device: str, referrer: str) -> dict[str, Any]:
    least = product % 10 * 20
    return {
        "category_id": 1 + product % 20,
        "price_range": {"min": least, "max": least + 50},
        "device_type": device,
        "referrer": referrer,
        "position": int(20 * random.random()) + 1,
        "page": int(5 * random.random() ** 3) + 1,
    }


def _metrics(random: Random, version: int) -> dict[str, Any]:
    return {
        "ctr": round(0.02 + 0.005 * version + 0.005 * random.random(), 4),
        "conversion_rate": round(0.01 + 0.002 * version, 4),
        "avg_reward": round(0.3 + 0.05 * version, 3),
        "total_interactions": random.randint(50_000, 500_000),
        "training_duration_seconds": round(random.uniform(300, 3600), 1),
        "accuracy": round(0.7 + 0.04 * version, 3),
        "diversity_score": round(random.uniform(0.4, 0.8), 3),
    }


def _features(random: Random) -> dict[str, Any]:
    return {
        "demographics": {"age_group": random.choice(("18-24", "25-34", "35-49", "50+")), "country": "DE"},
        "purchase_history": {"orders": random.randint(0, 40), "spent": round(random.uniform(0, 2000), 2)},
        "engagement": {"sessions_30_days": random.randint(0, 30), "ctr": round(random.random() * 0.2, 4)},
        "recency": {"days_since_last_visit": random.randint(0, 90)},
        "feature_vector": [round(random.uniform(-1, 1), 4) for _ in range(FEATURES)],
    }


def _text(at: datetime) -> str:
    return at.isoformat(" ", "seconds")
