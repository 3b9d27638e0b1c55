"""The same three tables as a project of each tool: its files, its commands, its environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlops import sqlfiles

from . import peers
from .measure import LONGEST, Running, Sample, run
from .servers import TABLES, Schema

SQL = Path(__file__).resolve().parents[2] / "sql"
DROPS = tuple(f"DROP TABLE {table}" for table in reversed(TABLES))


@dataclass(frozen=True)
class Project:
    """One tool's folder for one schema. A command that the tool doesn't have is empty.

    `file` is what a person would edit; `drift` says whether the live tables are as declared.
    """

    tool: str
    folder: Path
    file: Path
    apply: tuple[str, ...]
    drift: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, command: Sequence[str], seconds: float = LONGEST) -> Sample:
        """Run a command of this project; it sees nothing of this user's settings."""
        return run(command, cwd=self.folder, environment=self._environment(), seconds=seconds)

    def begin(self, command: Sequence[str]) -> Running:
        """The same in the background."""
        return Running(command, self.folder, self._environment())

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "LANG": "C.UTF-8", **self.environment}


def creates() -> list[str]:
    """The three CREATE statements, in their order, as MySQL and MariaDB take them."""
    files = [path for path in sorted((SQL / "create").glob("*.sql")) if path.name.count(".") == 1]
    return [sqlfiles.read_file(path, SQL).body for path in files]


def run_rlops(schema: Schema, folder: Path, *arguments: str, seconds: float = LONGEST) -> Sample:
    """Run rlops on that schema as a process of its own, which sees nothing of this user's settings. Raises RuntimeError."""
    command = (sys.executable, "-m", "rlops", *arguments, "--url", schema.url)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(SQL.parent), "LANG": "C.UTF-8"}
    sample = run(command, cwd=folder, environment=environment, seconds=seconds)
    return sample.checked(" ".join(("rlops", *arguments[:2])))


def rlops(schema: Schema, folder: Path) -> Project:
    """rlops with its SQL folder copied, so that it can be edited like the others' files."""
    shutil.copytree(SQL, folder / "sql")
    start = (sys.executable, "-m", "rlops")
    target = ("--url", schema.url, "--sql-dir", str(folder / "sql"))
    return Project(
        "rlops", folder, folder / "sql/create/020_rl_model_metadata.sql",
        apply=(*start, "migrate", *target),
        drift=(*start, "verify", *target),
        undo=(*start, "rollback", *target, "--confirm", schema.name),
        status=(*start, "migrate", "--check", *target),
        environment={"PYTHONPATH": str(SQL.parent)},
    )  # fmt: skip


def dbmate(schema: Schema, folder: Path, *, split: bool = False) -> Project | None:
    """dbmate: one migration file, or one for each statement if `split`."""
    if not (found := peers.find("dbmate")):
        return None
    (folder / "migrations").mkdir()
    made = creates()
    parts = [([create], [f"DROP TABLE {table}"]) for create, table in zip(made, TABLES, strict=True)]
    for number, (up, down) in enumerate(parts if split else [(made, DROPS)], 1):
        text = f"-- migrate:up\n{_statements(up)}\n-- migrate:down\n{_statements(down)}"
        (folder / f"migrations/2026010100000{number}_recommender.sql").write_text(text)
    files = ("--migrations-dir", str(folder / "migrations"), "--no-dump-schema")
    start = (str(peers.dbmate(found)), "--url", schema.url, *files)
    return Project(
        "dbmate" + (", a file a statement" if split else ""), folder,
        folder / "migrations/20260101000001_recommender.sql",
        apply=(*start, "up"),
        undo=(*start, "down"),
        status=(*start, "status", "--exit-code"),
    )  # fmt: skip


def liquibase(schema: Schema, folder: Path, *, split: bool = False, reference: str = "") -> Project | None:
    """Liquibase: one changeset, or one for each statement if `split`; `reference` is a schema to compare with."""
    if not (found := peers.find("liquibase")):
        return None
    made = creates()
    parts = [([create], [f"DROP TABLE {table}"]) for create, table in zip(made, TABLES, strict=True)]
    text = "--liquibase formatted sql\n"
    for number, (up, down) in enumerate(parts if split else [(made, DROPS)], 1):
        rollback = "".join(f"--rollback {statement};\n" for statement in down)
        text += f"--changeset bench:{number}\n{_statements(up)}{rollback}"
    (folder / "recommender.sql").write_text(text)
    jdbc = f"jdbc:mariadb://127.0.0.1:{schema.port}/"
    place = ("--changeLogFile=recommender.sql", f"--url={jdbc}{schema.name}", "--username=root", "--password=")
    start = (*peers.liquibase(found), *place)
    other = (f"--referenceUrl={jdbc}{reference}", "--referenceUsername=root", "--referencePassword=")
    return Project(
        "Liquibase" + (", a changeset a statement" if split else ""), folder, folder / "recommender.sql",
        apply=(*start, "update"),
        drift=(*start, *other, "diff") if reference else (),
        undo=(*start, "rollbackCount", "1"),
        status=(*start, "status"),
    )  # fmt: skip


def skeema(schema: Schema, folder: Path) -> Project | None:
    """Skeema: a file for each table, the shop's own two included, which it would want to drop otherwise."""
    if not (found := peers.find("skeema")):
        return None
    made = dict(zip(TABLES, creates(), strict=True))
    with schema.connect() as connection, connection.cursor() as cursor:
        for table in ("users", "product"):
            cursor.execute(f"SHOW CREATE TABLE {table}")
            made[table] = cursor.fetchone()[1]  # type: ignore[index]
    (folder / "shop").mkdir()
    for table, statement in made.items():
        (folder / f"shop/{table}.sql").write_text(statement + ";\n")
    (folder / "shop/.skeema").write_text(f"schema={schema.name}\nignore-table=^left_over$\n")
    server = ("[production]", "host=127.0.0.1", f"port={schema.port}", "user=root", 'password=""', "")
    (folder / ".skeema").write_text("\n".join(server))
    start = str(peers.skeema(found))
    return Project(
        "Skeema", folder, folder / "shop/rl_model_metadata.sql",
        apply=(start, "push"),
        drift=(start, "diff"),
        status=(start, "diff"),
    )  # fmt: skip


def all_of(schema: Schema, folder: Path, name: str) -> Project | None:
    """The project of the tool of that name, in a new folder of its own."""
    own = folder / f"{schema.name}-{name.replace(' ', '-')}"
    (own / "home").mkdir(parents=True)
    match name:
        case "dbmate split":
            return dbmate(schema, own, split=True)
        case "liquibase split":
            return liquibase(schema, own, split=True)
        case "dbmate":
            return dbmate(schema, own)
        case "liquibase":
            return liquibase(schema, own)
        case "skeema":
            return skeema(schema, own)
    return rlops(schema, own)


def _statements(statements: Sequence[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)
