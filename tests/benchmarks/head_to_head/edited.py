"""A file that was applied is edited afterwards. Does the next run notice?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .. import tools
from ..servers import Place
from ..tools import SQL, Project
from .projects import each
from .verdict import LATER, NO, YES, Outcome, told

TITLE = "A file that was applied is edited afterwards, and the tool is run again"
ASKED = "edit of an applied file: it is noticed"
BEFORE, AFTER = "VARCHAR(500)", "VARCHAR(700)"
NOTES = [
    "The edit: a column's length. dbmate keeps the numbers of the files that it applied, and nothing of their content."
]

UPGRADE = "upgrade/1.3--1.4"
AT_1_4 = "VARCHAR(600)"
UPGRADE_FILE = """\
-- Longer paths.
-- kind: write
-- needs: ALTER on rl_model_metadata
-- locks: rl_model_metadata
-- algorithm: inplace
-- table: rl_model_metadata
-- done: SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'rl_model_metadata' \
AND COLUMN_NAME = 'model_path' AND COLUMN_TYPE = 'varchar(600)'
ALTER TABLE rl_model_metadata
  MODIFY `model_path` VARCHAR(600) NULL DEFAULT NULL COMMENT 'Where the trained model is kept', ALGORITHM=INPLACE
"""


def outcomes(server: Place, folder: Path) -> Iterator[Outcome]:
    for schema, project in each(server, folder):
        project.run(project.apply, 120).checked(project.tool)
        _edit(project.file, BEFORE, AFTER)
        again = project.run(project.apply, 120)
        live = schema.column(
            "SELECT column_type FROM information_schema.COLUMNS WHERE table_schema = %s AND column_name = 'model_path'",
            schema.name,
        )
        text = f"{told(again)}; the column is {live[0]}."
        mark = YES if again.code else NO
        if project.tool == "Skeema" and live == [AFTER.lower()]:
            mark, text = YES, text + " To it, a file is what the table is to be: the edit is the change."
        yield Outcome(ASKED, project.tool, mark, text)
    yield _upgrade(server, folder / "upgrade")


def _upgrade(server: Place, folder: Path) -> Outcome:
    """The same with a file that takes an existing installation to a later version."""
    tool = "rlops, an upgrade file"
    if not _built():
        return Outcome(ASKED, tool, LATER, "not built yet: rlops has no sql/upgrade")
    schema = server.schema()
    try:
        project = tools.all_of(schema, folder, "rlops")
        assert project
        project.run(project.apply).checked("rlops at 1.3")
        file = _to_1_4(project)
        project.run(project.apply).checked("rlops from 1.3 to 1.4")
        _edit(file, AT_1_4, AFTER)
        again = project.run(project.apply)
        return Outcome(ASKED, tool, YES if again.code else NO, told(again))
    finally:
        server.drop(schema)


def _built() -> bool:
    """Whether rlops has upgrades by now."""
    return any((SQL.parent / "rlops").rglob("*upgrade*.py")) or (SQL / "upgrade").is_dir()


def _to_1_4(project: Project) -> Path:
    """Put an upgrade into the project's SQL folder, with the create file and the version to match; the upgrade's file."""
    root = project.folder / "sql"
    file = root / UPGRADE / "010_model_path.sql"
    file.parent.mkdir(parents=True)
    file.write_text(UPGRADE_FILE)
    _edit(project.file, BEFORE, AT_1_4)
    _edit(root / "policy.toml", 'schema_version = "1.3"', 'schema_version = "1.4"')
    return file


def _edit(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    found = before if before in text else before.lower()
    assert found in text, f"{file} has no {before}"
    file.write_text(text.replace(found, after))
