"""The hash of a set of rows, against one computed here from what each value is known to be, on every engine."""

from __future__ import annotations

import hashlib

import pytest
import truth

from rlops import rowhash
from rlops.structure import parse_create_table

ZERO, EPOCH = "00:00:00", "1970-01-01 00:00:01"

# column: type, and pairs of a value to insert and the text that stands for it (None where it is NULL)
TYPES = {
    "big": ("BIGINT UNSIGNED", ("18446744073709551615", "18446744073709551615"), ("0", "0")),
    "small": ("TINYINT", ("-128", "-128"), ("1", "1")),
    "padded": ("INT(8) UNSIGNED ZEROFILL", ("42", "42"), ("0", "0")),
    "price": ("DECIMAL(10,2)", ("-0.5", "-0.50"), ("0", "0.00")),
    "precise": ("DECIMAL(40,20)", ("1.00000000000000000001", "1.00000000000000000001"), ("-1", "-1.00000000000000000000")),
    "when": ("DATETIME(6)", ("'2026-01-02 03:04:05.678901'", "2026-01-02 03:04:05.678901"), ("'1000-01-01'", f"1000-01-01 {ZERO}.000000")),
    "second": ("DATETIME", ("'9999-12-31 23:59:59'", "9999-12-31 23:59:59"), ("'0000-00-00'", "0000-00-00 00:00:00")),
    "at": ("TIMESTAMP(3) NULL", ("'2026-06-01 01:02:03.123'", "2026-06-01 01:02:03.123"), ("'1970-01-01 00:00:01'", f"{EPOCH}.000")),
    "day": ("DATE", ("'2020-02-29'", "2020-02-29"), ("'0000-00-00'", "0000-00-00")),
    "span": ("TIME(2)", ("'-12:34:56.78'", "-12:34:56.78"), ("'838:59:59'", "838:59:59.00")),
    "year_": ("YEAR", ("1999", "1999"), ("2155", "2155")),
    "fixed": ("CHAR(5)", ("'ab  '", "ab"), ("''", "")),
    "text_": ("VARCHAR(50)", ("'1:2N''\"\\n\\\\'", "1:2N'\"\n\\"), ("''", "")),
    "long_": ("TEXT", ("'𝄞日本é'", "𝄞日本é"), ("' '", " ")),
    "json_": ("JSON", ("'[1, \"é\", null]'", '[1, "é", null]'), ("'{}'", "{}")),
    "raw": ("VARBINARY(20)", ("X'00FF0A'", "00FF0A"), ("X''", "")),
    "blob_": ("BLOB", ("X'3A4E'", "3A4E"), ("X'00'", "00")),
    "choice": ("ENUM('a','2:bc')", ("'2:bc'", "2:bc"), ("'a'", "a")),
    "several": ("SET('x','y')", ("'x,y'", "x,y"), ("''", "")),
}  # fmt: skip


def digest(texts):
    whole = "".join("N" if text is None else f"{len(text.encode())}:{text}" for text in texts)
    hexadecimal = hashlib.sha256(whole.encode()).hexdigest()
    return int(hexadecimal[:16], 16), int(hexadecimal[16:32], 16)


def asked(database, sql):
    """The rows of a session in UTC, as rlops' own are."""
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute(sql)
        return list(cursor.fetchall())


def columns(database, table):
    return parse_create_table(truth.definition(database, table)).columns


def made(database, modes="''"):
    definitions = ", ".join(f"`{name}` {kind[0]}" for name, kind in TYPES.items())
    nothing = ", ".join(["NULL"] * len(TYPES))
    rows = [f"({n + 1}, {', '.join(kind[n + 1][0] for kind in TYPES.values())})" for n in range(2)]
    truth.execute(
        database, "SET time_zone = '+00:00'", f"SET sql_mode = {modes}", f"CREATE TABLE t (id BIGINT PRIMARY KEY, {definitions})",
        f"INSERT INTO t VALUES {', '.join(rows)}, (3, {nothing})",
    )  # fmt: skip


def test_every_type_gives_the_text_that_is_known(database):
    made(database)
    found = columns(database, "t")
    expected = [digest([str(n + 1), *(kind[n + 1][1] for kind in TYPES.values())]) for n in range(2)]
    expected.append(digest(["3", *[None] * len(TYPES)]))
    first, second = rowhash.halves(found)
    rows = asked(database, f"SELECT {first} AS a, {second} AS b, {rowhash.row_text(found)} AS text FROM t ORDER BY id")
    assert [(row["a"], row["b"]) for row in rows] == expected, [row["text"] for row in rows]
    whole = asked(database, f"SELECT {rowhash.aggregate(found)} FROM t")[0]
    xor = [0, 0]
    for pair in expected:
        xor = [xor[0] ^ pair[0], xor[1] ^ pair[1]]
    assert whole == {"row_count": 3, "xor1": xor[0], "xor2": xor[1], "unhashed": 0}
    nothing = asked(database, f"SELECT {rowhash.aggregate(found)} FROM t WHERE id > 3")[0]
    assert nothing == {"row_count": 0, "xor1": 0, "xor2": 0, "unhashed": 0}


def test_one_changed_value_changes_the_hash(database):
    made(database)
    sql = f"SELECT {rowhash.aggregate(columns(database, 't'))} FROM t"
    before = asked(database, sql)[0]
    for change in ("price = -0.51", "fixed = NULL", "text_ = '1:2N'", "json_ = '{\"a\": 1}'", "big = big + 1"):
        truth.execute(database, "SET sql_mode = ''", f"UPDATE t SET {change} WHERE id = 2")
        after = asked(database, sql)[0]
        assert (after["row_count"], after["xor1"]) != (before["row_count"], before["xor1"]), change
        before = after


def test_the_charset_and_the_name_of_a_column_make_no_difference(database):
    if database.server.family == "oceanbase":
        pytest.skip("it knows no latin1, and its SHOW CREATE TABLE doubles no backtick")
    truth.execute(
        database,
        "CREATE TABLE a (id BIGINT, `odd ``%s ü` VARCHAR(20) CHARACTER SET latin1)",
        "CREATE TABLE b (id BIGINT, plain VARCHAR(20) CHARACTER SET utf8mb4)",
        *(f"INSERT INTO {table} VALUES (1, 'é'), (2, '')" for table in "ab"),
    )
    one, other = (
        database.query(f"SELECT {rowhash.aggregate(columns(database, table))} FROM {table}") for table in "ab"
    )
    assert one == other


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "BIT(3)", "POINT"])
def test_what_has_no_exact_text_is_refused_by_name(kind):
    (column,) = parse_create_table(f"CREATE TABLE t (odd {kind})").columns
    assert "odd" in rowhash.refusal([column])
    with pytest.raises(ValueError, match="odd"):
        rowhash.halves([column])


def test_a_row_too_long_for_one_packet_is_said_to_be_unhashed(database):
    if database.server.family == "oceanbase":
        pytest.skip("its packets are bounded otherwise")
    truth.execute(database, "CREATE TABLE t (id BIGINT, a LONGTEXT, b LONGTEXT)")
    packet = int(database.query("SELECT @@max_allowed_packet AS n")[0]["n"])
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1, REPEAT('x', %s), ''), (2, '', '')", (packet - 100,))
        cursor.execute("UPDATE t SET b = a WHERE id = 1")
        cursor.execute(f"SELECT {rowhash.aggregate(columns(database, 't'))} FROM t")
        found = cursor.fetchone()
    assert (found["row_count"], found["unhashed"]) == (2, 1)
