"""Trial rows: a valid one must be taken, one with an unknown user or product refused; all in a transaction rolled back."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import partial
from typing import Any

from rlops.db import Database, Forbidden, LockWait, Lost, ServerError
from rlops.errors import Denied, Failed
from rlops.ops import declared
from rlops.ops.backups.orphans import qualified
from rlops.ops.data.whole import BITS
from rlops.sqlfiles import SqlFolder
from rlops.structure import Finding

TRIED = 100  # ids that are looked for until one is nobody's
NO_PARENT = 1452  # ER_NO_REFERENCED_ROW_2, also what the integrity triggers signal

Trials = list[dict[str, Any]]


def trial(db: Database, sql: SqlFolder) -> tuple[Trials, list[dict[str, Any]], list[str]]:
    """Try the rows; returns the trials, the findings and notes.

    Raises Denied when the account may not insert, Failed when a lock or the connection gets in the way.
    """
    first = sql.statement("verify/110_first_parents")
    parents = db.row(first.sql) or {}
    user, product = parents.get("user_id"), parents.get("product_id")
    kind, reward = next(iter(sql.policy.rewards.items()))
    trials: Trials = []
    notes: list[str] = []

    def attempt(name: str, file: str, expected: int, **values: Any) -> None:
        number, text = _insert(db, sql, file, values)
        trials.append(
            {"name": name, "expected": _shown(expected), "actual": _shown(number, text), "ok": number == expected}
        )

    nobody = partial(_nobody, db, sql)
    row = {"interaction_type": kind, "reward": reward}
    db.execute("START TRANSACTION")
    try:
        if user is None or product is None:
            notes.append(f"no {'user' if user is None else 'product'} exists, so no valid interaction could be tried")
        else:
            attempt("a valid interaction", "verify/120_smoke_interaction", 0, user_id=user, product_id=product, **row)
        attempt("a valid model", "verify/140_smoke_model", 0)
        if product is not None:
            attempt(
                "an interaction of an unknown user",
                "verify/120_smoke_interaction",
                NO_PARENT,
                user_id=nobody(declared.INTERACTIONS, "user_id"),
                product_id=product,
                **row,
            )
        if user is not None:
            attempt(
                "an interaction with an unknown product",
                "verify/120_smoke_interaction",
                NO_PARENT,
                user_id=user,
                product_id=nobody(declared.INTERACTIONS, "product_id"),
                **row,
            )
        unknown = nobody(declared.FEATURES, "user_id")
        attempt("features of an unknown user", "verify/130_smoke_features", NO_PARENT, user_id=unknown)
    finally:
        db.execute("ROLLBACK")
    findings = [asdict(Finding("smoke", t["name"], t["expected"], t["actual"], "")) for t in trials if not t["ok"]]
    return trials, findings, notes


def _nobody(db: Database, sql: SqlFolder, table: str, name: str) -> int:
    """An id that no auto-increment comes to, that the column as it is declared can hold, and that no parent has."""
    wanted = next(each.table for each in declared.tables(sql) if each.table.name == table)
    type_ = next((column.type.lower() for column in wanted.columns if column.name == name), "")
    kind = re.match(r"(tiny|small|medium|big|)int", type_)
    most = 2 ** (BITS[kind[1] if kind else "big"] - 1) - 1
    last = 2 * most + 1 if "unsigned" in type_ else -(most // 2) - 1
    ids = range(last, last - TRIED, -1)
    there = set[int]()
    for key in wanted.foreign_keys:
        if key.columns == (name,):
            names = {"parent": qualified(key), "parent_key": key.ref_columns[0]}
            query = sql.statement("archive/100_parents_there", names, {"ids": tuple(ids)})
            there |= {int(row["id"]) for row in db.rows(query.sql, query.values)}
    return next((each for each in ids if each not in there), last)


def _insert(db: Database, sql: SqlFolder, file: str, values: dict[str, Any]) -> tuple[int, str]:
    statement = sql.statement(file, values=values)
    db.execute("SAVEPOINT rlops_trial")
    try:
        db.execute(statement.sql, statement.values)
    except Forbidden as error:
        raise Denied(
            f"--smoke tries rows, and {error.text}",
            "Run it as an account that may insert, or leave --smoke out.",
            "denied",
        ) from error
    except (Lost, LockWait) as error:
        raise Failed(
            f"the trial could not be made: {error.text}", "Type the same command again; nothing was left behind."
        ) from error
    except ServerError as error:
        db.execute("ROLLBACK TO SAVEPOINT rlops_trial")
        return error.number, error.text
    db.execute("ROLLBACK TO SAVEPOINT rlops_trial")
    return 0, ""


def _shown(number: int, text: str = "") -> str:
    return "accepted" if number == 0 else f"refused ({number})" + (f": {text}" if text and number != NO_PARENT else "")
