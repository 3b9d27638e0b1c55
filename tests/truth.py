"""What a schema really holds, read without rlops: for saying that nothing changed, or exactly what did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

TABLES = ("user_product_interactions", "rl_model_metadata", "user_context_features")


def month(plus: int) -> datetime:
    """The first day of the month so many after this one."""
    now = datetime.now()
    index = now.year * 12 + now.month - 1 + plus
    return datetime(index // 12, index % 12 + 1, 1)


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def tables(database: Any) -> set[str]:
    return {next(iter(row.values())) for row in database.query("SHOW TABLES")}


def definition(database: Any, table: str) -> str:
    row = database.query(f"SHOW CREATE TABLE {quoted(table)}")[0]
    return next(str(text) for key, text in row.items() if key.lower().startswith("create"))


def rows(database: Any, table: str) -> list[tuple[Any, ...]]:
    found = database.query(f"SELECT * FROM {quoted(table)}")
    return sorted((tuple(row.values()) for row in found), key=repr)


def snapshot(database: Any) -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    """Every table's definition and rows."""
    return {name: (definition(database, name), rows(database, name)) for name in sorted(tables(database))}


def count(database: Any, table: str, where: str = "TRUE") -> int:
    return int(
        database.query(f"SELECT COUNT(*) AS n FROM {quoted(table)} WHERE {where}".replace("%", "%%"), ())[0]["n"]
    )


def execute(database: Any, *statements: str) -> None:
    with database.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def fill(database: Any, *timestamps: str, models: int = 2, features: int = 3) -> None:
    """One interaction a timestamp, a few models and features, for users and products 1 to 20."""
    with database.connect() as connection, connection.cursor() as cursor:
        columns = "user_id, product_id, interaction_type, session_id, timestamp, context, reward"
        # PyMySQL sends the rows one by one unless each value is a %s.
        cursor.executemany(
            f"INSERT INTO user_product_interactions ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                (n % 20 + 1, n % 19 + 1, "VIEW", f"session-{n}", when, '{"page": 1}', "0.1")
                for n, when in enumerate(timestamps)
            ],
        )
        for n in range(models):
            cursor.execute(
                "INSERT INTO rl_model_metadata (model_name, algorithm_type, version, is_active) VALUES (%s, 'LINUCB', '1', %s)",
                (f"model-{n}", n == 0),
            )
        for n in range(features):
            cursor.execute(
                "INSERT INTO user_context_features (user_id, feature_vector) VALUES (%s, '{\"feature_vector\": []}')",
                (n + 1,),
            )


def fill_many(database: Any, count: int, first: str, apart: int) -> None:
    """So many thousands of interactions, made by the server; a thousand times of them, so many seconds apart."""
    names = "user_id, product_id, interaction_type, timestamp"
    execute(
        database,
        f"INSERT INTO {TABLES[0]} ({names})"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        f" SELECT i % 20 + 1, i % 19 + 1, 'VIEW', TIMESTAMP '{first}' + INTERVAL i * {apart} SECOND FROM n",
        *[
            f"INSERT INTO {TABLES[0]} ({names}) SELECT {names} FROM {TABLES[0]} WHERE timestamp <= TIMESTAMP '{first}'"
            f" + INTERVAL {1000 * apart} SECOND LIMIT 1000"
        ]
        * (count // 1000 - 1),
    )


def offset(database: Any) -> str:
    """Of the server's clock from UTC, as +08:00."""
    minutes = database.query("SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW()) AS n")[0]["n"]
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
