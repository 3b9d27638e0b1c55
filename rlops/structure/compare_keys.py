"""Compares indexes, foreign keys and checks, whose order means nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rlops.sqlfiles import quote
from rlops.structure.compare_columns import definition
from rlops.structure.model import Check, Finding, ForeignKey, Index, Table


def index_findings(expected: Table, actual: Table, family: str) -> Iterator[Finding]:
    """Every difference of the indexes; a renamed one is one finding."""
    alter = f"ALTER TABLE {quote(expected.name)} "
    found = {index.name: index for index in actual.indexes}
    missing = []
    for index in expected.indexes:
        there = found.pop(index.name, None)
        if there is None:
            missing.append(index)
        else:
            yield from _index_changes(expected.name, index, there, family)
    for index in missing:
        twin = next((each for each in found.values() if replace(each, name=index.name) == index), None)
        where = f"{expected.name}.{index.name}"
        if twin and not index.primary:
            del found[twin.name]
            hint = f"{alter}RENAME INDEX {quote(twin.name)} TO {quote(index.name)}"
            yield Finding("index", where, f"named {index.name}", f"named {twin.name}", hint)
        else:
            yield Finding("index", where, _describe(index), "absent", f"{alter}ADD {index.sql}")
    for index in found.values():
        if not _implicit(index, expected, actual):
            hint = f"{alter}DROP {'PRIMARY KEY' if index.primary else 'INDEX ' + quote(index.name)}"
            yield Finding("index", f"{expected.name}.{index.name}", "absent", _describe(index), hint)


def _implicit(index: Index, expected: Table, actual: Table) -> bool:
    """Whether the server made this index for a declared foreign key that no declared index covers."""
    columns = tuple(part.column.lower() for part in index.parts)
    if columns not in {key.columns for key in expected.foreign_keys}:
        return False
    named = {name for key in actual.foreign_keys if key.columns == columns for name in (key.name, key.columns[0])}
    return index.name in named and not any(each.covers(columns) for each in expected.indexes)


def _describe(index: Index) -> str:
    kind = "PRIMARY KEY" if index.primary else " ".join(filter(None, ("UNIQUE" if index.unique else "", index.kind)))
    return f"{kind} {index.columns}".strip()


def _index_changes(table: str, index: Index, there: Index, family: str) -> Iterator[Finding]:
    where, alter = f"{table}.{index.name}", f"ALTER TABLE {quote(table)} "
    name = "PRIMARY KEY" if index.primary else f"INDEX {quote(index.name)}"
    # OceanBase refuses both in one statement (4179), and TiDB (1068, 8200), which never drops a clustered key (8200).
    anew = f"{alter}DROP {name}{'; ' + alter if family in ('oceanbase', 'tidb') else ', '}ADD {index.sql}"
    anew = "" if "CLUSTERED" in there.options else anew
    pairs = (
        ("index.columns", index.columns.lower(), there.columns.lower()),
        ("index.unique", "UNIQUE" if index.unique else "not unique", "UNIQUE" if there.unique else "not unique"),
        ("index.type", index.kind or "BTREE", there.kind or "BTREE"),
        ("index.comment", index.comment, there.comment),
        ("index.option", ", ".join(index.options) or "none", ", ".join(there.options) or "none"),
    )
    for check, wanted, found in pairs:
        if wanted != found:
            yield Finding(check, where, wanted, found, anew)
    if index.visible != there.visible:
        visible, hidden = ("NOT IGNORED", "IGNORED") if family == "mariadb" else ("VISIBLE", "INVISIBLE")
        wanted, found = (visible, hidden) if index.visible else (hidden, visible)
        yield Finding("index.visible", where, wanted, found, f"{alter}ALTER INDEX {quote(index.name)} {wanted}")


def foreign_key_findings(expected: Table, actual: Table, family: str) -> Iterator[Finding]:
    """Every difference of the foreign keys.

    A name alone is no difference: rlops drops keys by their live names, and a name that is taken shows when it matters.
    """
    left = list(actual.foreign_keys)
    unmet = []
    for key in expected.foreign_keys:
        same = [each for each in left if each.target.lower() == key.target.lower()]
        same.sort(key=lambda each: each.name != key.name)
        there = next((each for each in same if each.actions == key.actions), None) or next(iter(same), None)
        if there is None:
            unmet.append(key)
            continue
        left.remove(there)
        if there.actions != key.actions:
            hint = _replace_key(expected.name, key, there, family)
            where = f"{expected.name}.{there.name}"
            yield Finding("foreign_key.action", where, key.actions, there.actions, hint)
    for key in unmet:
        where = f"{expected.name}.{key.name or key.columns[0]}"
        there = next((each for each in left if each.columns == key.columns), None)
        if there:
            left.remove(there)
            hint = _replace_key(expected.name, key, there, family)
            yield Finding("foreign_key", where, _wanted(key), _wanted(there), hint)
        else:
            hint = f"ALTER TABLE {quote(expected.name)} ADD {key.sql}"
            yield Finding("foreign_key", where, _wanted(key), "absent", hint)
    for key in left:
        hint = f"ALTER TABLE {quote(expected.name)} DROP FOREIGN KEY {quote(key.name or '')}"
        yield Finding("foreign_key", f"{expected.name}.{key.name}", "absent", _wanted(key), hint)


def _wanted(key: ForeignKey) -> str:
    return f"{key.target} {key.actions}"


def _replace_key(table: str, key: ForeignKey, there: ForeignKey, family: str) -> str:
    """One statement, so that the table is never without the key; both servers refuse the same name twice in it."""
    drop, add = f"DROP FOREIGN KEY {quote(there.name or '')}", f"ADD {key.sql}"
    if family == "oceanbase":
        # It refuses both in one statement (1235).
        return f"ALTER TABLE {quote(table)} {drop}; ALTER TABLE {quote(table)} {add}"
    if key.name and key.name == there.name:
        start = add.upper().index("FOREIGN KEY")
        add = f"ADD CONSTRAINT {quote(key.name + '_2')} {add[start:]}"
    return f"ALTER TABLE {quote(table)} {drop}, {add}"


def check_findings(expected: Table, actual: Table, family: str) -> Iterator[Finding]:
    """Every difference of the checks, which are known by what they say and not by their names."""
    both = {each.name.lower() for each in expected.columns} & {each.name.lower() for each in actual.columns}
    left = [each for each in actual.checks if not each.column or each.column.lower() in both]
    for check in expected.checks:
        if check.column and check.column.lower() not in both:
            continue
        there = next((each for each in left if each.expression == check.expression), None)
        if there:
            left.remove(there)
        if there is None or there.enforced != check.enforced:
            found = _said(there) if there else "absent"
            hint = _mend_check(expected, actual, check, there, family)
            yield Finding("check", _check_object(expected.name, check), _said(check), found, hint)
    for check in left:
        hint = _drop_check(expected, actual, check)
        yield Finding("check", _check_object(expected.name, check), "absent", _said(check), hint)


def _said(check: Check) -> str:
    return f"CHECK ({check.expression})" + ("" if check.enforced else " NOT ENFORCED")


def _check_object(table: str, check: Check) -> str:
    return f"{table}.{check.name or check.column or check.expression}"


def _mend_check(expected: Table, actual: Table, check: Check, there: Check | None, family: str) -> str:
    alter = f"ALTER TABLE {quote(expected.name)} "
    if there and there.name:
        return f"{alter}ALTER CHECK {quote(there.name)} {'ENFORCED' if check.enforced else 'NOT ENFORCED'}"
    if check.column and family == "mariadb":
        return alter + _modify(expected, actual, check.column)
    return f"{alter}ADD {check.sql}"


def _drop_check(expected: Table, actual: Table, check: Check) -> str:
    alter = f"ALTER TABLE {quote(expected.name)} "
    if check.name:
        return f"{alter}DROP CONSTRAINT {quote(check.name)}"
    # MariaDB keeps a column's check in its definition: it goes with the next MODIFY.
    return alter + _modify(expected, actual, check.column) if check.column else ""


def _modify(expected: Table, actual: Table, name: str) -> str:
    column = next(each for each in expected.columns if each.name.lower() == name.lower())
    return f"MODIFY COLUMN {definition(column, expected, actual, 'mariadb')}"
