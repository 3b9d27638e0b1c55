"""Compares the declared table with the live one: every difference is a finding, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rlops.sqlfiles import quote
from rlops.structure import compare_columns, compare_keys
from rlops.structure.model import Finding, Table, Trigger, literal
from rlops.structure.normal import complete, normalise

_UNSET = {"COMPRESSION": "'NONE'", "TABLESPACE": "innodb_file_per_table", "SECONDARY_ENGINE": "NULL"}


def compare(declared: Table, live: Table, family: str) -> list[Finding]:
    """The differences between the declared table and the live one, as the engine's family means them.

    Each hint mends its own finding with the live table's names, if those of the findings before it have been followed:
    a partitioned table takes no foreign key, and a foreign key keeps its index from being dropped.
    """
    actual = normalise(live, family)
    expected = normalise(complete(declared, actual), family)
    renamed = compare_columns.renames(expected, actual)
    moved = _rename(actual, renamed)
    return [
        *_option_findings(expected, actual, family),
        *compare_columns.findings(expected, actual, renamed, family),
        *compare_keys.foreign_key_findings(expected, moved, family),
        *compare_keys.index_findings(expected, moved, family),
        *compare_keys.check_findings(expected, moved, family),
        # Last: a dropped column takes its indexes along, whose own hints would then fail.
        *compare_columns.extra_findings(expected, actual, renamed),
    ]


def compare_triggers(table: str, declared: tuple[Trigger, ...], live: tuple[Trigger, ...]) -> list[Finding]:
    """The differences between the triggers that a table should have and those that it has."""
    found, wanted = {each.name: each for each in live}, {each.name: each for each in declared}
    findings = []
    for name in sorted(found.keys() | wanted.keys()):
        expected, actual = _trigger(wanted.get(name)), _trigger(found.get(name))
        if expected != actual:
            hint = f"DROP TRIGGER {quote(name)}" if name not in wanted else ""
            findings.append(Finding("trigger", f"{table}.{name}", expected, actual, hint))
    return findings


def _trigger(trigger: Trigger | None) -> str:
    if trigger is None:
        return "absent"
    return f"{trigger.timing} {trigger.event} by {trigger.definer}: {trigger.action}"


def _rename(table: Table, renamed: dict[str, str]) -> Table:
    """The live table as if its renamed columns had their declared names, so that its keys are compared by content."""
    if not renamed:
        return table

    def new(name: str) -> str:
        return renamed.get(name.lower(), name)

    indexes = tuple(
        replace(index, parts=tuple(replace(part, column=new(part.column)) for part in index.parts))
        for index in table.indexes
    )
    keys = tuple(replace(key, columns=tuple(new(name).lower() for name in key.columns)) for key in table.foreign_keys)
    return replace(table, indexes=indexes, foreign_keys=keys)


def _option_findings(expected: Table, actual: Table, family: str) -> Iterator[Finding]:
    name, alter = expected.name, f"ALTER TABLE {quote(expected.name)} "
    if expected.engine and (actual.engine or "").lower() != expected.engine.lower():
        yield Finding("engine", name, expected.engine, actual.engine or "unknown", f"{alter}ENGINE={expected.engine}")
    else:
        # Another engine brings options of its own, which go with it.
        yield from _other_options(expected, actual, alter)
    if expected.collation != actual.collation:
        hint = f"{alter}DEFAULT CHARACTER SET {expected.charset} COLLATE {expected.collation}"
        yield Finding("collation", name, str(expected.collation), str(actual.collation), hint)
    if expected.comment != actual.comment:
        hint = f"{alter}COMMENT={literal(expected.comment)}"
        yield Finding("comment", name, expected.comment, actual.comment, hint)
    yield from _partition_findings(expected, actual, alter, family)


def _other_options(expected: Table, actual: Table, alter: str) -> Iterator[Finding]:
    # DYNAMIC is InnoDB's own default; show_create_table_verbosity spells it out.
    default = {"DEFAULT", "DYNAMIC"}
    if expected.row_format != actual.row_format and not {expected.row_format, actual.row_format} <= default:
        hint = f"{alter}ROW_FORMAT={expected.row_format}"
        yield Finding("row_format", expected.name, str(expected.row_format), str(actual.row_format), hint)
    wanted, found = dict(expected.options), dict(actual.options)
    for option in sorted(wanted.keys() | found.keys(), reverse=True):  # the level before what it is the level of
        if wanted.get(option, "").lower() != found.get(option, "").lower():
            hint = alter + _set_option(option, wanted.get(option))
            yield Finding(
                "option",
                f"{expected.name}.{option}",
                wanted.get(option, "absent"),
                found.get(option, "absent"),
                hint if hint != alter else "",
            )


def _set_option(option: str, value: str | None) -> str:
    if option == "SYSTEM VERSIONING":
        return f"{'ADD' if value else 'DROP'} {option}"
    if option.startswith("PERIOD FOR"):
        return f"ADD {option} {value}" if value else f"DROP {option}"
    if option == "TTL":
        return f"TTL={value}" if value else "REMOVE TTL"
    if " " in option:
        return ""
    if value is not None:
        return f"{option}={value if value.isdigit() else literal(value)}"
    by_number = option.endswith(("_ROWS", "_SIZE", "_LENGTH", "CHECKSUM", "_WRITE", "_BITS", "_CACHE"))
    return f"{option}={_UNSET.get(option, '0' if by_number else 'DEFAULT')}"


def _partition_findings(expected: Table, actual: Table, alter: str, family: str) -> Iterator[Finding]:
    if expected.partitioning == actual.partitioning:
        return
    hint = alter + (expected.partitioning.sql if expected.partitioning else "REMOVE PARTITIONING")
    if family == "oceanbase" and not expected.partitioning:
        hint = ""  # it can't take partitions away
    wanted, found = str(expected.partitioning or "none"), str(actual.partitioning or "none")
    yield Finding("partitions", expected.name, wanted, found, hint)
