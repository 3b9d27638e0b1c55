"""Somebody changes the live tables by hand. Does the tool notice?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .. import tools
from ..measure import Sample
from ..servers import ACCOUNT, TABLES, Place, Schema
from ..tools import Project
from .projects import PLAIN
from .verdict import NO, NONE, YES, Outcome, words

TITLE = "A change by hand: is it noticed?"
PATH = f"ALTER TABLE {TABLES[1]} MODIFY model_path VARCHAR(500) COLLATE {{}} COMMENT 'Where the trained model is kept'"
CHANGES = {
    "drift: an extra GRANT": (
        f"GRANT DROP ON {TABLES[0]} TO {ACCOUNT}",
        f"REVOKE DROP ON {TABLES[0]} FROM {ACCOUNT}",
        "grant",
    ),
    "drift: an extra CHECK": (
        f"ALTER TABLE {TABLES[0]} ADD CONSTRAINT bench_check CHECK (reward < 100)",
        f"ALTER TABLE {TABLES[0]} DROP CONSTRAINT bench_check",
        "bench_check",
    ),
    "drift: another collation": (PATH.format("utf8mb4_bin"), PATH.format("utf8mb4_unicode_ci"), "model_path"),
    "drift: DROP INDEX": (f"ALTER TABLE {TABLES[0]} DROP INDEX idx_session", "", "idx_session"),
}  # the change, what undoes it, and a word without which nobody can be said to have noticed
DROP_PARTITION = "drift: DROP PARTITION"
NOTES = [
    "rlops verify; Skeema diff; Liquibase diff against a schema as declared (it exits 0 in any case: what counts is whether it names"
    " what was changed); dbmate has no comparison: dbmate status.",
    "DROP PARTITION: in all tools' files the interactions table is declared partitioned, without foreign keys.",
]
FRAME = re.compile(
    r"^(|[─ ]+|Findings|check object .*|-- .*|USE .*|What would mend it:)$|\bdiffers\b"
)  # says nothing by itself
KEYS = re.compile(r",\s*CONSTRAINT .*?ON DELETE CASCADE(?=\s*\))", re.DOTALL)
# Not RANGE COLUMNS(`timestamp`), which Skeema 1.12 can't compare: it expects the name without backticks.
PARTITIONS = (
    "\nPARTITION BY RANGE (to_days(`timestamp`)) (PARTITION p202601 VALUES LESS THAN (740013),"
    " PARTITION p202602 VALUES LESS THAN (740041), PARTITION p_future VALUES LESS THAN MAXVALUE)"
)


def outcomes(server: Place, folder: Path) -> Iterator[Outcome]:
    for name in PLAIN:
        reference, schema = server.schema(), server.schema()
        try:
            reference.execute(*tools.creates())
            if project := _project(schema, folder, name, reference.name):
                yield from _changes(schema, project)
                yield from _drop_partition(server, folder, name)
        finally:
            for used in (reference, schema):
                server.drop(used)


def _project(schema: Schema, folder: Path, name: str, reference: str) -> Project | None:
    if name != "liquibase":
        return tools.all_of(schema, folder, name)
    own = folder / schema.name
    (own / "home").mkdir(parents=True)
    return tools.liquibase(schema, own, reference=reference)


def _changes(schema: Schema, project: Project) -> Iterator[Outcome]:
    clean = _prepare(schema, project)
    for asked, (change, undo, word) in CHANGES.items():
        schema.execute(change)
        yield _judged(asked, project, clean, word)
        if undo:
            schema.execute(undo)


def _prepare(schema: Schema, project: Project) -> Sample:
    """Create the tables and give the account its privileges; what the comparison says while all is well."""
    project.run(project.apply, 120).checked(project.tool)
    schema.execute(*(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ACCOUNT}" for table in TABLES))
    return project.run(_comparison(project), 120).checked(f"{project.tool} on a clean schema")


def _comparison(project: Project) -> tuple[str, ...]:
    return project.drift or project.status


def _judged(asked: str, project: Project, clean: Sample, word: str) -> Outcome:
    seen = project.run(_comparison(project), 120)
    before = set(_essence(clean))
    new = [line for line in _essence(seen) if line not in before and not FRAME.search(line)]
    noticed = next((line for line in new if word in line.lower()), "")
    mark = (YES if noticed else NO) if project.drift else NONE
    if noticed:
        text = f"“{noticed}”"
    elif new or seen.code:
        text = f"it says something else: {' … '.join(new[:2]) or words(seen)}"
    else:
        text = "as before"
    return Outcome(asked, project.tool, mark, f"{seen.exit}, {text}")


def _essence(sample: Sample) -> list[str]:
    """What it says on stdout, without times and the drawing of tables."""
    without = [re.sub(r"\d\d:\d\d:\d\d|\d+(\.\d+)? ?m?s\b", "", line) for line in sample.stdout.splitlines()]
    return [" ".join(line.split()) for line in without]


def _drop_partition(server: Place, folder: Path, name: str) -> Iterator[Outcome]:
    schema, reference = server.schema(), server.schema()
    try:
        reference.execute(*map(partitioned, tools.creates()))
        project = _project(schema, folder / "partitions", name, reference.name)
        assert project
        for file in {project.file, *project.file.parent.glob("*user_product_interactions*.sql")}:
            file.write_text(partitioned(file.read_text()))
        clean = _prepare(schema, project)
        schema.execute(f"ALTER TABLE {TABLES[0]} DROP PARTITION p202601")
        yield _judged(DROP_PARTITION, project, clean, "partition")
    finally:
        for used in (schema, reference):
            with suppress(Exception):
                server.drop(used)


def partitioned(text: str) -> str:
    """The text with the interactions table partitioned by month, and so without foreign keys."""
    end = re.search(r"COMMENT='Every user-product interaction[^']*'", text)
    if not end:
        return text
    head = KEYS.sub("", text[: end.end()], count=1).replace("PRIMARY KEY (`id`)", "PRIMARY KEY (`id`, `timestamp`)", 1)
    return head + PARTITIONS + text[end.end() :]
