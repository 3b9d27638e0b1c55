"""The drift matrix: single changes of a table, and the findings that each must give, no fewer and no more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rlops.structure import parse_create_table

I = "user_product_interactions"  # noqa: E741
M = "rl_model_metadata"
F = "user_context_features"
CREATE = Path(__file__).resolve().parents[2] / "sql" / "create"
FILES = {I: f"010_{I}", M: f"020_{M}", F: f"030_{F}"}

ALL = ("mysql", "mariadb", "oceanbase")
BOTH = ("mysql", "mariadb")
MYSQL = ("mysql",)
MARIADB = ("mariadb",)


def create_sql(table: str, family: str) -> str:
    own = CREATE / f"{FILES[table]}.{family}.sql"
    return (own if own.exists() else CREATE / f"{FILES[table]}.sql").read_text()


@dataclass(frozen=True)
class Case:
    """`changes` are carried out in order; `expected` are (check, object within the table; "" for the table)."""

    id: str
    table: str
    changes: tuple[str, ...]
    expected: frozenset[tuple[str, str]]
    families: tuple[str, ...] = ALL
    since: dict[str, tuple[int, ...]] | None = None


def case(name, table, changes, *expected, families=ALL, since=None) -> Case:
    listed = (changes,) if isinstance(changes, str) else tuple(changes)
    text = tuple(each if each.split()[0] in ("CREATE", "SET") else f"ALTER TABLE {table} {each}" for each in listed)
    return Case(name, table, text, frozenset(expected), families, since)


def modify(table: str, column: str, old: str, new: str) -> str:
    """MODIFY of a declared column, one part of its definition replaced."""
    declared = parse_create_table(create_sql(table, "mysql"))
    sql = next(each.sql for each in declared.columns if each.name == column)
    assert old in sql, (sql, old)
    return f"MODIFY COLUMN {sql.replace(old, new, 1)}"


def column(name, table, which, old, new, *checks, **rest) -> Case:
    return case(name, table, modify(table, which, old, new), *((check, which) for check in checks), **rest)


FK_USER = f"fk_{I}_user"
FK_PRODUCT = f"fk_{I}_product"

COLUMNS = [
    column("type: longer varchar", I, "interaction_type", "VARCHAR(50)", "VARCHAR(60)", "column.type"),
    column("type: shorter varchar", M, "version", "VARCHAR(20)", "VARCHAR(10)", "column.type", families=BOTH),
    column("type: char", M, "version", "VARCHAR(20)", "CHAR(20)", "column.type", families=BOTH),
    column("type: text", M, "model_path", "VARCHAR(500) NULL DEFAULT NULL", "TEXT NULL", "column.type", families=BOTH),
    column("type: varbinary", M, "model_path", "VARCHAR(500)", "VARBINARY(500)", "column.type", families=BOTH),
    column("type: enum", I, "interaction_type", "VARCHAR(50)", "ENUM('VIEW','CLICK')", "column.type", families=BOTH),
    column("type: wider decimal", I, "reward", "DECIMAL(10,2)", "DECIMAL(12,2)", "column.type"),
    column("type: decimal scale", I, "reward", "DECIMAL(10,2)", "DECIMAL(10,4)", "column.type", families=BOTH),
    column("type: unsigned decimal", I, "reward", "DECIMAL(10,2)", "DECIMAL(10,2) UNSIGNED", "column.type", families=BOTH),
    column("type: double", I, "reward", "DECIMAL(10,2)", "DOUBLE", "column.type", families=BOTH),
    column("type: float", I, "reward", "DECIMAL(10,2)", "FLOAT", "column.type", families=BOTH),
    column("type: int for bigint", M, "created_by", "BIGINT", "INT", "column.type", families=BOTH),
    column("type: unsigned", M, "created_by", "BIGINT", "BIGINT UNSIGNED", "column.type", families=BOTH),
    column("type: zerofill", M, "created_by", "BIGINT", "BIGINT(20) ZEROFILL", "column.type", families=BOTH),
    column("type: varchar for bigint", M, "created_by", "BIGINT", "VARCHAR(20)", "column.type", families=BOTH),
    column("type: id int", M, "id", "BIGINT", "INT", "column.type", families=BOTH),
    column("type: id unsigned", M, "id", "BIGINT", "BIGINT UNSIGNED", "column.type", families=BOTH),
    column("type: tinyint without (1)", M, "is_active", "BOOLEAN", "TINYINT", "column.type", families=BOTH),
    column("type: int for boolean", M, "is_active", "BOOLEAN", "INT", "column.type", families=BOTH),
    column("type: bit for boolean", M, "is_active", "BOOLEAN NULL DEFAULT FALSE", "BIT(1) NULL DEFAULT b'0'",
           "column.type", "column.default", families=BOTH),
    column("type: date", M, "training_date", "DATETIME", "DATE", "column.type", families=BOTH),
    column("type: timestamp", M, "created_at", "DATETIME", "TIMESTAMP", "column.type", families=BOTH),
    column("type: fractions", M, "training_date", "DATETIME", "DATETIME(3)", "column.type", families=BOTH),
    column("type: fractions now", M, "created_at", "DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP",
           "DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)", "column.type", "column.default", families=BOTH),
    column("type: text for json", I, "context", "JSON", "TEXT", "column.type", families=BOTH),
    column("type: longtext for json", I, "context", "JSON", "LONGTEXT", "column.type", families=BOTH),
    column("type: blob for json", I, "context", "JSON", "LONGBLOB", "column.type", families=BOTH),
    column("json without its check", I, "context", "JSON", "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
           "check", families=MARIADB),
    column("json without its check, not null", F, "feature_vector", "JSON NOT NULL",
           "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL", "check", families=MARIADB),
    case("json in another collation", I,
         modify(I, "context", "JSON NULL", "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL")
         + " CHECK (json_valid(`context`))", ("column.collation", "context"), families=MARIADB),
    column("null: session not null", I, "session_id", "NULL DEFAULT NULL", "NOT NULL", "column.null"),
    column("null: reward not null", I, "reward", "NULL", "NOT NULL", "column.null"),
    column("null: context not null", I, "context", "NULL", "NOT NULL", "column.null", families=BOTH),
    column("null: created_at null", M, "created_at", "NOT NULL", "NULL", "column.null", families=BOTH),
    column("null: feature_vector null", F, "feature_vector", "NOT NULL", "NULL", "column.null", families=BOTH),
    column("null: user_id null", F, "user_id", "NOT NULL", "NULL", "column.null", families=BOTH),
    column("null: is_active not null", M, "is_active", "NULL", "NOT NULL", "column.null", families=BOTH),
    column("default: another number", I, "reward", "0.00", "1.00", "column.default"),
    column("default: null", I, "reward", "DEFAULT 0.00", "DEFAULT NULL", "column.default"),
    column("default: a negative number", I, "reward", "0.00", "-0.5", "column.default", families=BOTH),
    column("default: gone", M, "created_at", " DEFAULT CURRENT_TIMESTAMP", "", "column.default", families=BOTH),
    case("default: dropped", M, "ALTER COLUMN created_at DROP DEFAULT", ("column.default", "created_at"), families=MYSQL),
    case("default: dropped, null stays", I, "ALTER COLUMN session_id DROP DEFAULT", ("column.default", "session_id"),
         families=MYSQL),
    case("default: dropped from json", I, "ALTER COLUMN context DROP DEFAULT", ("column.default", "context"),
         families=MYSQL),
    case("default: set", I, "ALTER COLUMN interaction_type SET DEFAULT 'VIEW'", ("column.default", "interaction_type"),
         families=BOTH),
    case("default: empty string", I, "ALTER COLUMN session_id SET DEFAULT ''", ("column.default", "session_id"),
         families=BOTH),
    case("default: the word NULL", I, "ALTER COLUMN session_id SET DEFAULT 'null'", ("column.default", "session_id"),
         families=BOTH),
    column("default: true", M, "is_active", "FALSE", "TRUE", "column.default", families=BOTH),
    column("default: a moment", M, "training_date", "DEFAULT NULL", "DEFAULT '2024-01-01'", "column.default", families=BOTH),
    column("default: now", M, "training_date", "DEFAULT NULL", "DEFAULT CURRENT_TIMESTAMP", "column.default", families=BOTH),
    column("default: an expression", M, "model_path", "DEFAULT NULL", "DEFAULT (CONCAT('a', 'b'))", "column.default", families=BOTH),
    column("on update: gone", F, "last_updated", "ON UPDATE CURRENT_TIMESTAMP ", "", "column.on_update", families=BOTH),
    column("on update: added", M, "created_at", "DEFAULT CURRENT_TIMESTAMP",
           "DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", "column.on_update", families=BOTH),
    column("on update: added to timestamp", I, "timestamp", "DEFAULT CURRENT_TIMESTAMP",
           "DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", "column.on_update", families=BOTH),
    column("collation: bin", I, "session_id", "VARCHAR(255)", "VARCHAR(255) COLLATE utf8mb4_bin", "column.collation", families=BOTH),
    column("collation: general", I, "session_id", "VARCHAR(255)", "VARCHAR(255) COLLATE utf8mb4_general_ci",
           "column.collation", families=BOTH),
    column("collation: 520", M, "model_name", "VARCHAR(100)", "VARCHAR(100) COLLATE utf8mb4_unicode_520_ci",
           "column.collation", families=BOTH),
    column("collation: 0900", M, "model_name", "VARCHAR(100)", "VARCHAR(100) COLLATE utf8mb4_0900_ai_ci",
           "column.collation", families=MYSQL),
    column("collation: uca1400", M, "model_name", "VARCHAR(100)", "VARCHAR(100) COLLATE utf8mb4_uca1400_ai_ci",
           "column.collation", families=MARIADB, since={"mariadb": (10, 10)}),
    column("charset: its default collation", M, "model_name", "VARCHAR(100)", "VARCHAR(100) CHARACTER SET utf8mb4",
           "column.collation", families=BOTH),
    column("charset: latin1", M, "model_name", "VARCHAR(100)", "VARCHAR(100) CHARACTER SET latin1", "column.collation", families=BOTH),
    column("charset: utf8mb3", M, "version", "VARCHAR(20)", "VARCHAR(20) CHARACTER SET utf8mb3", "column.collation", families=BOTH),
    column("charset: ascii", M, "version", "VARCHAR(20)", "VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin",
           "column.collation", families=BOTH),
    column("comment: other", I, "reward", "COMMENT 'Reward", "COMMENT 'A reward", "column.comment"),
    column("comment: gone", M, "version", " COMMENT 'Version of the model'", "", "column.comment"),
    column("comment: case", M, "version", "'Version of", "'version of", "column.comment"),
    column("comment: quote, backslash, line", M, "version", "'Version of the model'", r"'it''s\\a \n \"x\"'", "column.comment"),
    column("comment: blank at its end", M, "version", "the model'", "the model '", "column.comment"),
    column("extra: no auto_increment", M, "id", "AUTO_INCREMENT ", "", "column.extra", families=BOTH),
    column("extra: invisible", M, "model_path", "NULL DEFAULT NULL", "NULL DEFAULT NULL INVISIBLE", "column.extra",
           families=BOTH, since={"mysql": (8, 0, 23)}),
    column("extra: compressed", M, "model_path", "VARCHAR(500)", "VARCHAR(500) COMPRESSED", "column.extra", families=MARIADB),
    column("type and null at once", M, "version", "VARCHAR(20) NOT NULL", "VARCHAR(30) NULL", "column.type", "column.null",
           "column.default", families=()),
    case("column: added", I, "ADD COLUMN note VARCHAR(10) NULL", ("column", "note")),
    case("column: added first", I, "ADD COLUMN note INT NULL FIRST", ("column", "note"), families=BOTH),
    case("column: added amid", M, "ADD COLUMN note INT NOT NULL DEFAULT 0 AFTER version", ("column", "note"), families=BOTH),
    case("column: added, json", M, "ADD COLUMN note JSON", ("column", "note"), families=BOTH),
    case("column: added, invisible", M, "ADD COLUMN note INT INVISIBLE", ("column", "note"), families=BOTH,
         since={"mysql": (8, 0, 23)}),
    case("column: added, generated", M, "ADD COLUMN note INT GENERATED ALWAYS AS (created_by + 1) VIRTUAL",
         ("column", "note"), families=BOTH),
    case("column: added, stored", M, "ADD COLUMN note VARCHAR(130) AS (CONCAT(model_name, version)) STORED",
         ("column", "note"), families=BOTH),
    case("column: added, with a check", M, "ADD COLUMN note INT CHECK (note > 0)", ("column", "note"), families=MARIADB),
    case("column: of every kind", M,
         "ADD COLUMN a SET('x','y (z)') DEFAULT 'x', ADD COLUMN b YEAR, ADD COLUMN c TIME(2), ADD COLUMN d BINARY(3),"
         " ADD COLUMN e GEOMETRY, ADD COLUMN f BIT(5) DEFAULT b'101', ADD COLUMN g MEDIUMBLOB,"
         " ADD COLUMN h DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),"
         " ADD COLUMN i DATE DEFAULT (CURRENT_DATE), ADD COLUMN j INT DEFAULT (1 + 2 * 3)",
         *(("column", name) for name in "abcdefghij"), families=BOTH),
    case("column: a format", M, "ADD COLUMN note INT COLUMN_FORMAT FIXED STORAGE DISK", ("column", "note"), families=MYSQL),
    case("column: a reference system", M, "ADD COLUMN note POINT SRID 4326", ("column", "note"), families=MYSQL),
    case("column: not secondary", M, "ADD COLUMN note INT NOT SECONDARY", ("column", "note"), families=MYSQL),
    case("column: an attribute", M, """ADD COLUMN note INT ENGINE_ATTRIBUTE '{"a": 1}'""", ("column", "note"), families=()),
    case("column: a uuid and an address", M, "ADD COLUMN u UUID DEFAULT UUID(), ADD COLUMN a INET6", ("column", "u"),
         ("column", "a"), families=MARIADB, since={"mariadb": (10, 7)}),
    case("column: unversioned", M, ("ADD SYSTEM VERSIONING", "SET SESSION system_versioning_alter_history = KEEP",
          "ADD COLUMN note INT WITHOUT SYSTEM VERSIONING"),
         ("option", "SYSTEM VERSIONING"), ("column", "note"), families=MARIADB),
    case("column: odd name", M, "ADD COLUMN `a``b %s` INT", ("column", "a`b %s"), families=BOTH),
    case("column: dropped", I, "DROP COLUMN reward", ("column", "reward")),
    case("column: json dropped", I, "DROP COLUMN context", ("column", "context"), families=BOTH),
    case("column: two side by side dropped", I, "DROP COLUMN context, DROP COLUMN reward", ("column", "context"), ("column", "reward")),
    case("column: dropped behind a renamed one", M, "RENAME COLUMN model_path TO path, DROP COLUMN created_at", ("column", "model_path"),
         ("column", "created_at"), families=BOTH),
    case("column: dropped, and the next one moved", M,
         ("DROP COLUMN model_path", modify(M, "training_date", "", "") + " FIRST"), ("column", "model_path"),
         ("column.order", "training_date"), families=BOTH),
    case("column: dropped first in order", M, "DROP COLUMN created_at", ("column", "created_at")),
    case("column: renamed", M, "RENAME COLUMN model_path TO path", ("column", "model_path"), families=BOTH),
    case("column: renamed in an index", I, "RENAME COLUMN session_id TO sess", ("column", "session_id"), families=BOTH),
    case("column: renamed with a key", I, "RENAME COLUMN user_id TO uid", ("column", "user_id"), families=BOTH),
    case("column: json renamed", I, modify(I, "context", "", "").replace("MODIFY COLUMN", "CHANGE COLUMN context")
         .replace("context `context`", "context `ctx`"), ("column", "context"), families=BOTH),
    case("column: name in capitals", M, "RENAME COLUMN model_path TO MODEL_PATH", ("column", "model_path"), families=BOTH),
    case("order: moved to the end", M, modify(M, "version", "", "") + " AFTER created_by", ("column.order", "version"),
         families=BOTH),
    case("order: moved first", M, modify(M, "created_by", "", "") + " FIRST", ("column.order", "created_by"), families=BOTH),
    case("order: id moved", M, modify(M, "id", "", "") + " AFTER created_by", ("column.order", "id"), families=BOTH),
    case("order: two moved", M,
         (modify(M, "created_by", "", "") + " FIRST", modify(M, "created_at", "", "") + " AFTER model_name"),
         ("column.order", "created_by"), ("column.order", "created_at"), families=BOTH),
]  # fmt: skip

KEYS = [
    case("index: dropped", I, "DROP INDEX idx_session", ("index", "idx_session")),
    case("index: time dropped", I, "DROP INDEX idx_timestamp", ("index", "idx_timestamp")),
    case("index: unique dropped", M, "DROP INDEX unique_model_version", ("index", "unique_model_version")),
    case("index: added", I, "ADD INDEX idx_reward (reward)", ("index", "idx_reward")),
    case("index: duplicate", I, "ADD INDEX idx_session2 (session_id)", ("index", "idx_session2")),
    case("index: unique added", F, "ADD UNIQUE INDEX u (last_updated)", ("index", "u")),
    case("index: renamed", I, "RENAME INDEX idx_session TO idx_s", ("index", "idx_session")),
    case("index: name in capitals", I, "RENAME INDEX idx_session TO IDX_SESSION", ("index", "idx_session"), families=()),
    case("index: columns swapped", M, "DROP INDEX idx_algorithm_active, ADD INDEX idx_algorithm_active (is_active, algorithm_type)",
         ("index.columns", "idx_algorithm_active"), families=BOTH),
    case("index: columns swapped under a key", I,
         "DROP INDEX idx_user_timestamp, ADD INDEX idx_user_timestamp (timestamp, user_id), ADD INDEX other (user_id)",
         ("index.columns", "idx_user_timestamp"), ("index", "other"), families=BOTH),
    case("index: a column fewer", M, "DROP INDEX idx_algorithm_active, ADD INDEX idx_algorithm_active (algorithm_type)",
         ("index.columns", "idx_algorithm_active"), families=BOTH),
    case("index: a column more", I, "DROP INDEX idx_session, ADD INDEX idx_session (session_id, timestamp)",
         ("index.columns", "idx_session"), families=BOTH),
    case("index: a column fewer under a key", I, "DROP INDEX idx_user_timestamp, ADD INDEX idx_user_timestamp (user_id)",
         ("index.columns", "idx_user_timestamp"), families=BOTH),
    case("index: prefix", I, "DROP INDEX idx_session, ADD INDEX idx_session (session_id(10))",
         ("index.columns", "idx_session"), families=BOTH),
    case("index: descending", I, "DROP INDEX idx_timestamp, ADD INDEX idx_timestamp (timestamp DESC)",
         ("index.columns", "idx_timestamp"), families=BOTH, since={"mariadb": (10, 8)}),
    case("index: no longer unique", M, "DROP INDEX unique_model_version, ADD INDEX unique_model_version (model_name, version)",
         ("index.unique", "unique_model_version"), families=BOTH),
    case("index: unique under a key lost", F, "DROP INDEX unique_user, ADD INDEX unique_user (user_id)",
         ("index.unique", "unique_user"), families=BOTH),
    case("index: now unique", I, "DROP INDEX idx_session, ADD UNIQUE INDEX idx_session (session_id)",
         ("index.unique", "idx_session"), families=BOTH),
    case("index: invisible", I, "ALTER INDEX idx_session INVISIBLE", ("index.visible", "idx_session"), families=MYSQL),
    case("index: unique invisible", M, "ALTER INDEX unique_model_version INVISIBLE",
         ("index.visible", "unique_model_version"), families=MYSQL),
    case("index: ignored", I, "ALTER INDEX idx_session IGNORED", ("index.visible", "idx_session"), families=MARIADB),
    case("index: comment", I, "DROP INDEX idx_session, ADD INDEX idx_session (session_id) COMMENT 'it''s'",
         ("index.comment", "idx_session"), families=BOTH),
    case("index: fulltext added", I, "ADD FULLTEXT INDEX ft (session_id)", ("index", "ft"), families=BOTH),
    case("index: fulltext instead", I, "DROP INDEX idx_session, ADD FULLTEXT INDEX idx_session (session_id)",
         ("index.type", "idx_session"), families=BOTH),
    case("index: functional", I, "ADD INDEX fn ((LOWER(session_id)), (reward * 2))", ("index", "fn"), families=MYSQL),
    case("index: many values", I, "ADD INDEX mv ((CAST(context->'$.tags' AS UNSIGNED ARRAY)))", ("index", "mv"), families=MYSQL),
    case("index: spatial", M, "ADD COLUMN g POINT NOT NULL, ADD SPATIAL INDEX sp (g)", ("column", "g"), ("index", "sp"),
         families=BOTH),
    case("index: parser", I, "ADD FULLTEXT INDEX ft (session_id) WITH PARSER ngram", ("index", "ft"), families=MYSQL),
    case("index: vector", F, "ADD COLUMN v VECTOR(3) NOT NULL, ADD VECTOR INDEX vi (v) M=8", ("column", "v"), ("index", "vi"),
         families=MARIADB, since={"mariadb": (11, 7)}),
    case("index: on json", I, "ADD INDEX fn ((CAST(context->>'$.page' AS CHAR(20))))", ("index", "fn"), families=MYSQL),
    case("primary key: wider", M, "DROP PRIMARY KEY, ADD PRIMARY KEY (id, created_at)", ("index.columns", "PRIMARY"),
         families=BOTH),
    case("primary key: other order", M, "DROP PRIMARY KEY, ADD PRIMARY KEY (created_at, id), ADD INDEX i (id)",
         ("index.columns", "PRIMARY"), ("index", "i"), families=BOTH),
    case("primary key: dropped", M, ("MODIFY id BIGINT NOT NULL COMMENT 'Surrogate key'", "DROP PRIMARY KEY"),
         ("index", "PRIMARY"), ("column.extra", "id"), families=()),
    case("key: dropped", I, f"DROP FOREIGN KEY {FK_USER}", ("foreign_key", FK_USER)),
    case("key: both dropped", I, (f"DROP FOREIGN KEY {FK_USER}", f"DROP FOREIGN KEY {FK_PRODUCT}"),
         ("foreign_key", FK_USER), ("foreign_key", FK_PRODUCT)),
    case("key: features' dropped", F, f"DROP FOREIGN KEY fk_{F}_user", ("foreign_key", f"fk_{F}_user")),
    case("key: no cascade, same name", I,
         (f"DROP FOREIGN KEY {FK_USER}", f"ADD CONSTRAINT {FK_USER} FOREIGN KEY (user_id) REFERENCES users (id)"),
         ("foreign_key.action", FK_USER), families=BOTH),
    case("key: restrict, other name", I,
         f"DROP FOREIGN KEY {FK_USER}, ADD CONSTRAINT other FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT",
         ("foreign_key.action", "other"), families=BOTH),
    case("key: no action", I,
         f"DROP FOREIGN KEY {FK_USER}, ADD CONSTRAINT other FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE NO ACTION",
         ("foreign_key.action", "other"), families=BOTH),
    case("key: cascades updates", I,
         f"DROP FOREIGN KEY {FK_USER}, ADD CONSTRAINT other FOREIGN KEY (user_id) REFERENCES users (id)"
         " ON DELETE CASCADE ON UPDATE CASCADE", ("foreign_key.action", "other"), families=BOTH),
    case("key: set null", F,
         (f"DROP FOREIGN KEY fk_{F}_user", modify(F, "user_id", "NOT NULL", "NULL"),
          f"ADD CONSTRAINT fk_{F}_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL"),
         ("foreign_key.action", f"fk_{F}_user"), ("column.null", "user_id"), families=()),
    case("key: to another table", I,
         f"DROP FOREIGN KEY {FK_USER}, ADD CONSTRAINT other FOREIGN KEY (user_id) REFERENCES product (id) ON DELETE CASCADE",
         ("foreign_key", FK_USER), families=BOTH),
    case("key: to another column", I,
         f"DROP FOREIGN KEY {FK_USER}, ADD CONSTRAINT other FOREIGN KEY (user_id) REFERENCES users (number) ON DELETE CASCADE",
         ("foreign_key", FK_USER), families=BOTH),
    case("key: extra", M, "ADD CONSTRAINT extra FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL",
         ("foreign_key", "extra"), ("index", "extra"), families=BOTH),
    case("key: twice", I, "ADD CONSTRAINT again FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
         ("foreign_key", "again"), families=BOTH),
    case("key: only its name differs", I,
         f"DROP FOREIGN KEY {FK_USER}, ADD CONSTRAINT other FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
         families=BOTH),
    case("check: added", I, "ADD CONSTRAINT sane CHECK (reward >= -1 AND reward <= 10)", ("check", "sane"), families=BOTH),
    case("check: not enforced", I, "ADD CONSTRAINT sane CHECK (reward > 0) NOT ENFORCED", ("check", "sane"), families=MYSQL),
    case("check: json, on the table", M, "ADD CONSTRAINT sane CHECK (json_valid(performance_metrics))", ("check", "sane"),
         families=BOTH),
    case("check: list and functions", I,
         "ADD CONSTRAINT sane CHECK (interaction_type IN ('VIEW','CLICK') OR (CHAR_LENGTH(session_id) BETWEEN 1 AND 9 AND NOT reward = 1))",
         ("check", "sane"), families=BOTH),
    column("check: on a column", M, "version", "COMMENT 'Version of the model'",
           "COMMENT 'Version of the model' CHECK (version <> '')", "check", families=MARIADB),
]  # fmt: skip

OPTIONS = [
    case("engine: MyISAM", M, "ENGINE=MyISAM", ("engine", ""), families=BOTH),
    case("engine: Aria", M, "ENGINE=Aria", ("engine", ""), families=MARIADB),
    case("collation: the table's", M, "DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", ("collation", ""), families=BOTH),
    case("charset: the table's", M, "DEFAULT CHARACTER SET latin1", ("collation", ""), families=BOTH),
    case("collation: converted", I, "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
         ("collation", ""), ("column.collation", "interaction_type"), ("column.collation", "session_id"), families=MYSQL),
    case("collation: converted, json too", I, "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
         ("collation", ""), ("column.collation", "interaction_type"), ("column.collation", "session_id"),
         ("column.collation", "context"), families=()),
    case("comment: other", M, "COMMENT='it''s \\\\ \"x\"'", ("comment", "")),
    case("comment: gone", M, "COMMENT=''", ("comment", "")),
    case("row format: compressed", M, "ROW_FORMAT=COMPRESSED", ("row_format", ""), families=BOTH),
    case("row format: redundant", M, "ROW_FORMAT=REDUNDANT", ("row_format", ""), families=BOTH),
    case("row format: compact", M, "ROW_FORMAT=COMPACT", ("row_format", ""), families=BOTH),
    case("row format: said aloud", M, "ROW_FORMAT=DYNAMIC", families=ALL),
    case("option: key block size", M, "ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8", ("row_format", ""),
         ("option", "KEY_BLOCK_SIZE"), families=BOTH),
    case("option: stats", M, "STATS_PERSISTENT=0", ("option", "STATS_PERSISTENT"), families=BOTH),
    case("option: sample pages", M, "STATS_SAMPLE_PAGES=5", ("option", "STATS_SAMPLE_PAGES"), families=BOTH),
    case("option: max rows", M, "MAX_ROWS=1000", ("option", "MAX_ROWS"), families=BOTH),
    case("option: page compressed", M, "PAGE_COMPRESSED=1", ("option", "PAGE_COMPRESSED"), families=MARIADB),
    case("option: system versioning", M, "ADD SYSTEM VERSIONING", ("option", "SYSTEM VERSIONING"), families=MARIADB),
    case("option: min rows", M, "MIN_ROWS=10", ("option", "MIN_ROWS"), families=BOTH),
    case("option: row length", M, "AVG_ROW_LENGTH=100", ("option", "AVG_ROW_LENGTH"), families=BOTH),
    case("option: checksum", M, "CHECKSUM=1", ("option", "CHECKSUM"), families=BOTH),
    case("option: delayed keys", M, "DELAY_KEY_WRITE=1", ("option", "DELAY_KEY_WRITE"), families=BOTH),
    case("option: packed keys", M, "PACK_KEYS=1", ("option", "PACK_KEYS"), families=BOTH),
    case("option: stats recalculated", M, "STATS_AUTO_RECALC=0", ("option", "STATS_AUTO_RECALC"), families=BOTH),
    case("option: compression", M, "COMPRESSION='zlib'", ("option", "COMPRESSION"), families=MYSQL),
    case("option: autoextend", M, "AUTOEXTEND_SIZE=4194304", ("option", "AUTOEXTEND_SIZE"), families=MYSQL,
         since={"mysql": (8, 0, 23)}),
    case("option: attribute", M, """ENGINE_ATTRIBUTE='{"a": 1}'""", ("option", "ENGINE_ATTRIBUTE"), families=()),
    case("option: in the system tablespace", M, "TABLESPACE innodb_system", ("option", "TABLESPACE"), families=MYSQL),
    case("option: its own tablespace", M, "TABLESPACE innodb_file_per_table", families=MYSQL),
    case("option: secondary engine", M, "SECONDARY_ENGINE=mock", ("option", "SECONDARY_ENGINE"), families=MYSQL),
    case("option: page compression level", M, "PAGE_COMPRESSED=1 PAGE_COMPRESSION_LEVEL=3", ("option", "PAGE_COMPRESSED"),
         ("option", "PAGE_COMPRESSION_LEVEL"), families=MARIADB),
    case("option: transactional", M, "TRANSACTIONAL=1", ("option", "TRANSACTIONAL"), families=()),
    case("option: period", F, "ADD COLUMN a DATE NOT NULL, ADD COLUMN b DATE NOT NULL, ADD PERIOD FOR p (a, b)",
         ("column", "a"), ("column", "b"), ("option", "PERIOD FOR p"), families=MARIADB),
    case("option: the counter is no part of it", M, "AUTO_INCREMENT=5000"),
    case("partitions: by hash", M, ("DROP INDEX unique_model_version", "PARTITION BY HASH (id) PARTITIONS 4"),
         ("partitions", ""), ("index", "unique_model_version"), families=BOTH),
    case("partitions: by month", I,
         (f"DROP FOREIGN KEY {FK_USER}, DROP FOREIGN KEY {FK_PRODUCT}",
          "DROP PRIMARY KEY, ADD PRIMARY KEY (id, timestamp)",
          "PARTITION BY RANGE COLUMNS (timestamp) (PARTITION p202401 VALUES LESS THAN ('2024-02-01'),"
          " PARTITION pmax VALUES LESS THAN (MAXVALUE) COMMENT 'rest')"),
         ("partitions", ""), ("index.columns", "PRIMARY"), ("foreign_key", FK_USER), ("foreign_key", FK_PRODUCT), families=BOTH),
    case("partitions: by key and range", M,
         ("DROP INDEX unique_model_version",
          "PARTITION BY RANGE (id) SUBPARTITION BY HASH (id) SUBPARTITIONS 2"
          " (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)"),
         ("partitions", ""), ("index", "unique_model_version"), families=BOTH),
]  # fmt: skip

CASES = [each for each in (*COLUMNS, *KEYS, *OPTIONS) if each.families]
