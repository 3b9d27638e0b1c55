"""What one would write oneself: PyMySQL's rows into a Parquet file, with nothing compared. `URL WHERE FILE` in its arguments."""

from __future__ import annotations

import sys
from decimal import Decimal
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet
import pymysql
import pymysql.cursors

ROWS = 10_000  # at once
SCHEMA = pa.schema(
    [
        ("id", pa.int64()), ("user_id", pa.int64()), ("product_id", pa.int64()), ("interaction_type", pa.string()),
        ("session_id", pa.string()), ("timestamp", pa.timestamp("us")), ("context", pa.string()),
        ("reward", pa.decimal128(10, 2)),
    ]
)  # fmt: skip


def main(url: str, where: str, file: str) -> None:
    """Write the rows that are meant to that file."""
    parts = urlsplit(url)
    target = {"host": parts.hostname, "port": parts.port, "user": parts.username, "database": parts.path[1:]}
    with (
        pymysql.connect(**target, charset="utf8mb4", cursorclass=pymysql.cursors.SSCursor) as connection,  # type: ignore[call-overload]
        connection.cursor() as cursor,
        pa.parquet.ParquetWriter(file, SCHEMA, compression="zstd") as writer,
    ):
        cursor.execute(f"SELECT {', '.join(SCHEMA.names)} FROM user_product_interactions WHERE {where}")
        while rows := cursor.fetchmany(ROWS):
            assert isinstance(rows[0][-1], Decimal | None)
            columns = [
                pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))


if __name__ == "__main__":
    main(*sys.argv[1:])
