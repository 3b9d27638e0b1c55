"""Rows in the tables, fast: the server doubles them."""

from __future__ import annotations

from .servers import Schema

BATCH = 50_000  # rows a statement
DOUBLED_FROM, STEP = 1_000_000, 500_000  # rows from which the table doubles itself, and how many at once
TEMPLATE = "bench_numbers"
MONTHS_EXPIRED, MONTHS_KEPT = (14, 20), (0, 6)  # how long ago, from and to
DAY = 86_400

CONTEXT = (
    '{"category_id": 12, "price_range": {"min": 10.5, "max": 99.9}, "device_type": "mobile",'
    ' "referrer": "search", "position": 3, "page": 1}'
)
# MySQL 9.7 has no MD5() of its own. As a shop writes them: 36 characters of session, a filled-in context, ids in the order of time.
INSERT = """
INSERT INTO user_product_interactions (user_id, product_id, interaction_type, session_id, timestamp, context, reward)
SELECT 1 + (n * 7919) % 2000, 1 + (n * 104729) % 500, ELT(1 + n % 3, 'VIEW', 'CLICK', 'PURCHASE'),
  CONCAT(LEFT(SHA2(n, 256), 32), '-', LPAD(n % 1000, 3, '0')), NOW() - INTERVAL {oldest} SECOND + INTERVAL FLOOR(n * {step}) SECOND,
  '{context}',
  ELT(1 + n % 3, 0.1, 0.5, 10.0)
FROM {template} WHERE n > {after} AND n <= {until} ORDER BY n
"""


def fill(schema: Schema, rows: int, *, expired: int) -> None:
    """`expired` interactions from 20 to 14 months ago, then the rest, up to now, along their ids."""
    if not expired and rows > DOUBLED_FROM:
        _double(schema, rows)
        return
    _numbers(schema, max(expired, rows - expired))
    for count, (newest, oldest) in ((expired, MONTHS_EXPIRED), (rows - expired, MONTHS_KEPT)):
        start, span = oldest * 30 * DAY, (oldest - newest) * 30 * DAY
        for after in range(0, count, BATCH):
            until = min(count, after + BATCH)
            values = {
                "oldest": start,
                "step": f"{span / count:.9f}",
                "after": after,
                "until": until,
                "context": CONTEXT,
            }
            schema.execute("SET SESSION sql_mode = ''", INSERT.format(template=TEMPLATE, **values))
    schema.execute(f"DROP TABLE {TEMPLATE}", "ANALYZE TABLE user_product_interactions")


def _double(schema: Schema, rows: int) -> None:
    """Fill a part, then let the table double itself: the same rows under new ids."""
    fill(schema, made := DOUBLED_FROM, expired=0)
    columns = "user_id, product_id, interaction_type, session_id, timestamp, context, reward"
    table = "user_product_interactions"
    while made < rows:
        more = min(made, rows - made, STEP)
        schema.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} ORDER BY id LIMIT {more}")
        made += more
    schema.execute(f"ANALYZE TABLE {table}")


def fill_others(schema: Schema) -> None:
    """One model and a hundred users' features."""
    schema.execute(
        "INSERT INTO rl_model_metadata (model_name, algorithm_type, version) VALUES ('bench', 'LINUCB', '1')",
        "INSERT INTO user_context_features (user_id, feature_vector)"
        " SELECT id, '{\"feature_vector\": [0.5]}' FROM users ORDER BY id LIMIT 100",
    )


def _numbers(schema: Schema, count: int) -> None:
    """A table of the numbers 1 to at least `count`, by doubling."""
    steps = [f"CREATE TABLE {TEMPLATE} (n BIGINT PRIMARY KEY)", f"INSERT INTO {TEMPLATE} VALUES (1)"]
    made = 1
    while made < count:
        steps.append(f"INSERT INTO {TEMPLATE} SELECT n + {made} FROM {TEMPLATE}")
        made *= 2
    schema.execute(*steps)
