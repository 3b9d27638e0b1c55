"""The third of three statements fails; its cause is mended; is running the same command again enough?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..servers import Place
from .projects import SPLIT, each, right, tally
from .verdict import NO, YES, Outcome, told

TITLE = "A migration fails half way, its cause is mended, it is run again"
ASKED = "half-failed: a rerun is enough"
NOTES = [
    "The cause: a forgotten table `left_over` has a foreign key of the name that the third table's key has. It is dropped in between.",
]

# A name that the third table wants.
OBSTACLE = (
    "CREATE TABLE left_over (id BIGINT PRIMARY KEY, user_id BIGINT,"
    " CONSTRAINT fk_user_context_features_user FOREIGN KEY (user_id) REFERENCES users (id))"
)


def outcomes(server: Place, folder: Path) -> Iterator[Outcome]:
    for schema, project in each(server, folder, SPLIT):
        schema.execute(OBSTACLE)
        first = project.run(project.apply, 60)
        text = f"Run 1: {told(first)}; it left {tally(schema)}. "
        schema.execute("DROP TABLE left_over")
        again = project.run(project.apply, 60)
        good = again.code == 0 and right(server, schema)
        yield Outcome(ASKED, project.tool, YES if good else NO, text + f"Run 2: {told(again)}; {tally(schema)}.")
