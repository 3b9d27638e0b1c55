"""How monitor is shown: on screens of any width, as metrics, to Nagios, in the dashboard and the report."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import monitor_sample as sample
import pytest
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from rlops.errors import Denied, Exit
from rlops.plan import Answer
from rlops.render import nagios, prometheus, report
from rlops.render.cells import lasting, spark
from rlops.render.metrics import METRICS
from rlops.render.report import svg
from rlops.render.views.monitor import verdict, view, watch

MONITORING = Path(__file__).parents[2] / "monitoring"
TARGET = {"host": "db.example.com", "database": "shop"}


def drawn(parts: Any, width: int, encoding: str = "utf-8") -> str:
    console = Console(width=width, markup=False, file=None, force_terminal=False)
    with console.capture() as shown:
        for part in parts:
            console.print(part)
    return shown.get()


@pytest.mark.parametrize("show", [view, watch])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_it_fits_any_screen(show: Any, width: int) -> None:
    text = drawn(show(sample.answer()), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert text.startswith("critical: ")
    joined = "".join(text.split())
    for expected in (
        "~180,000,000",
        "92.0 GB",
        "every DELETE on users fails",
        "rlops partition ensure",
        "KILL 7",
        "3 s",
    ):
        assert "".join(expected.split()) in joined, expected


def test_the_verdict_comes_first_and_what_to_do_next() -> None:
    lines = drawn(view(sample.answer()), 200).splitlines()
    assert lines[0].endswith("92.0 GB on disk, growing at ~90.0 GB a year, 3.6 times the plan of 25.0 GB")
    assert lines[1].startswith("  critical ")
    assert lines[2].strip().startswith("-> ")


def test_verdicts() -> None:
    below = sample.judged(growth=sample.growth(times_plan=0.162, bytes_per_year=4_050_000_000))
    assert verdict(below).endswith("growing at ~4.0 GB a year, 16.2% of the plan of 25.0 GB")
    unknown = sample.judged(
        growth=sample.growth(bytes_per_year=None, times_plan=None, reason="there are no interactions yet")
    )
    assert verdict(unknown).endswith("on disk; growth unknown: there are no interactions yet")
    assert "none of the recommender's tables" in verdict(sample.judged(tables=[]))


def test_estimates_are_marked_and_exact_numbers_are_not() -> None:
    exact = sample.sizes(rows=180_000_001, rows_estimated=False)
    text = drawn(view(Answer("monitor", Exit.OK, sample.judged(tables=[exact]))), 120)
    assert " 180,000,001" in text
    assert "~180,000,001" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.0, "0 s"), (0.00025, "250 µs"), (0.0123, "12.3 ms"), (2.5, "2.5 s"), (9_000, "9,000 s")],
)
def test_short_times(seconds: float | None, text: str) -> None:
    assert lasting(seconds) == text


def test_sparks() -> None:
    assert spark([1, 2, 3]) == "▁▄█"
    assert spark([5, None, 5]) == "▁▁"
    assert spark([1]) == ""


def families() -> dict[str, Any]:
    text = prometheus.text(sample.judged(), TARGET)
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_every_metric_is_exported_with_its_place() -> None:
    found = families()
    assert set(found) == {metric.name.removesuffix("_total") for metric in METRICS}
    for family in found.values():
        for each in family.samples:
            assert (each.labels["server"], each.labels["database"]) == ("db.example.com", "shop")
    rows = found["rlops_table_rows"].samples[0]
    assert (rows.labels["table"], rows.value) == (sample.TABLE, 180_000_000)


def test_what_is_not_known_is_left_out() -> None:
    quiet = sample.data()["sessions"] | {
        "transactions": None,
        "lock_waits": None,
        "replication": None,
        "history_list": None,
    }
    text = prometheus.text(sample.judged(sessions=quiet, triggers=None), TARGET)
    for name in (
        "rlops_oldest_transaction_seconds",
        "rlops_metadata_lock_waits",
        "rlops_broken_triggers",
        "rlops_history_list_length",
    ):
        assert name not in text


def test_dashboard_and_rules_use_exactly_the_exported_metrics() -> None:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    rules = (MONITORING / "prometheus-rules.yml").read_text()
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += re.findall(r"^ +expr: (.+)$", rules, re.MULTILINE)
    known = {metric.name: {*metric.labels, "server", "database"} for metric in METRICS}
    used: set[str] = set()
    for expression in expressions:
        for name, selector in re.findall(r"(rlops_\w+)(\{[^}]*\})?", expression):
            assert name in known, expression
            assert set(re.findall(r"(\w+)\s*=~?\"", selector)) <= known[name], expression
            used.add(name)
    assert used == set(known)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_labels_in_legends_exist() -> None:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    known = {metric.name: {*metric.labels, "server", "database"} for metric in METRICS}
    for target in (target for panel in dashboard["panels"] for target in panel["targets"]):
        (name,) = set(re.findall(r"rlops_\w+", target["expr"]))
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known[name]


@pytest.mark.parametrize(("level", "code"), [("ok", 0), ("warning", 1), ("critical", 2)])
def test_nagios(level: str, code: int) -> None:
    data = sample.judged()
    data["findings"] = [each for each in data["findings"] if each["level"] == level or each["level"] == "advice"]
    data["verdict"] = level
    text, exit_code = nagios.report(Answer("monitor", Exit.FINDINGS, data))
    assert exit_code == code
    assert text.startswith({"ok": "OK - ", "warning": "WARNING - ", "critical": "CRITICAL - "}[level])
    assert "\n" not in text
    said, performance = text.split(" | ")
    assert "growth_times_plan=3.6;1;10" in performance
    assert "|" not in said


def test_nagios_knows_nothing_without_an_answer() -> None:
    text, code = nagios.report(Answer("monitor", Exit.DENIED, error=Denied("no | way\nin")))
    assert (text, code) == ("UNKNOWN - no / way in", 3)
    assert nagios.report(Answer("monitor", data=sample.judged(tables=[])))[1] == 3


class Page(HTMLParser):
    """Every tag is closed, and nothing is asked for from outside."""

    VOID = ("meta", "link", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_file_of_plain_html() -> None:
    nasty = "</svg><script>alert(1)</script>'\"&"
    data = sample.judged(
        statements=[sample.statement(statement=nasty), sample.statement()], indexes=[sample.index(nasty)]
    )
    text = report.page(data, {"host": "h<x>", "database": "sch&ma"}, None)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.addresses == ["data:,"]
    assert "script" not in page.tags
    assert page.tags.count("figure") == 5
    assert "url(http" not in text


@pytest.mark.parametrize(
    "changed",
    [
        {"tables": [], "months": [], "indexes": [], "statements": []},
        {"months": [], "statements": [sample.statement(p95_seconds=None)], "indexes": [sample.index(bytes=None)]},
        {"growth": sample.growth(oldest=None, bytes_per_year=None, bytes_per_row=None)},
        {"months": [{"month": "2026-11", "rows": 0, "rows_estimated": False}]},
    ],
)
def test_a_report_of_little(changed: Any) -> None:
    page = Page()
    page.feed(report.page(sample.judged(**changed), TARGET, None))
    assert page.open == []


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (3, 3.2), (92_000, 100_000), (9e10, 1e11), (0.03, 0.032)])
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    assert svg.nice(value) == pytest.approx(top)
