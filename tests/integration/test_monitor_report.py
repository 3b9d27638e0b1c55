"""The report of `rlops monitor --export`, opened in a real browser: no error, no request, no overflow; and its picture.

With RLOPS_PICTURES=FOLDER the pictures of the README are written there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
from conftest import ShopDatabase
from rich.console import Console
from test_monitor import INTERACTIONS, create, fill, with_policy
from truth import execute

from rlops.errors import Failed
from rlops.plan import Answer

WIDTHS = (360, 1100)  # a phone's, a desktop's
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Text that runs out of its picture, or over another one on the same line.
CLASHES = """
[...document.querySelectorAll('svg')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  const out = boxes.filter(([, b]) => b.left < frame.left - 1 || b.right > frame.right + 1 || b.bottom > frame.bottom + 1);
  const over = boxes.filter(([, a], i) => boxes.some(([, b], j) => j > i && a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 3 && b.top < a.bottom - 3));
  return [...out, ...over].map(([text]) => text);
})
"""


@pytest.fixture
def a_page() -> Iterator[Any]:
    """A page of headless Chromium; skips loudly where there is none, and fails when CI is set."""
    try:
        browser.find()
    except Failed as failure:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"NOT TESTED IN A BROWSER: {failure.message}")
    with browser.page() as page:
        yield page


def shop(database: ShopDatabase, tmp_path: Path) -> tuple[str, ...]:
    """A shop of sixteen months with an index too many and half a year of snapshots; the plan is made to its measure."""
    create(database)
    fill(database, 30_000, days=480)
    execute(database, f"CREATE INDEX idx_more ON {INTERACTIONS} (session_id, reward)", f"ANALYZE TABLE {INTERACTIONS}")
    for _ in range(20):
        database.query(
            f"SELECT MAX(reward) FROM {INTERACTIONS} WHERE user_id = 3 AND timestamp > NOW() - INTERVAL 9 DAY"
        )
    database.query(f"SELECT SUM(reward) FROM {INTERACTIONS} WHERE context IS NULL")
    database.cli("monitor", "--record", "--quiet", check=None)
    columns = "taken_at, started_at, body"
    for week in range(1, 26):
        share = 1 - week * 0.02
        body = f'REPLACE(body, \'"file_bytes":\', \'"file_bytes":{share:.2f}0e0,"x":\')'
        size = "CAST(JSON_UNQUOTE(JSON_EXTRACT(body, '$.tables.user_product_interactions.file_bytes')) AS DECIMAL)"
        body = f"JSON_SET(body, '$.tables.user_product_interactions.file_bytes', CAST({size} * {share:.2f} AS SIGNED))"
        execute(
            database,
            f"INSERT INTO rlops_snapshot ({columns}) SELECT taken_at - INTERVAL {week} WEEK, started_at - INTERVAL 1 YEAR, {body}"
            f" FROM rlops_snapshot WHERE id = (SELECT MIN(id) FROM (SELECT id FROM rlops_snapshot) AS s)",
        )
    return with_policy(tmp_path, bytes_per_year="10_000_000", limit_bytes="60_000_000", rows_per_day="80")


def test_the_report_in_a_browser(database: ShopDatabase, tmp_path: Path, a_page: browser.Page) -> None:
    policy = shop(database, tmp_path)
    file = tmp_path / "report.html"
    answer = database.cli("monitor", "--export", str(file), *policy, check=3)
    assert f"report written to {file}" in answer.stdout
    for width in WIDTHS:
        a_page.open(file.as_uri(), width)
        assert a_page.evaluate(OVERFLOW) == 0, f"it is wider than {width} columns of dots"
        assert a_page.evaluate(CLASHES) == [], width
        assert a_page.evaluate("document.querySelectorAll('figure').length") >= 3
    assert a_page.complaints == []
    assert {url for url in a_page.requests if not url.startswith("data:")} == {file.as_uri()}
    height = int(a_page.evaluate("document.querySelector('.plots').getBoundingClientRect().bottom + 16"))
    picture = tmp_path / "report.png"
    a_page.picture(picture, WIDTHS[1], height)
    assert picture.stat().st_size > 20_000
    if (folder := os.environ.get("RLOPS_PICTURES")) and database.server.family == "mysql":
        Path(folder, "monitor-report.png").write_bytes(picture.read_bytes())


def test_it_is_readable_on_a_dark_ground_and_on_paper(
    database: ShopDatabase, tmp_path: Path, a_page: browser.Page
) -> None:
    if database.server.family != "mysql":
        pytest.skip("one engine's report will do")
    del a_page
    file = tmp_path / "report.html"
    database.cli("monitor", "--export", str(file), *shop(database, tmp_path), check=3)
    ground = "getComputedStyle(document.body).backgroundColor"
    with browser.page(dark=True) as page:
        page.open(file.as_uri(), 800)
        assert page.evaluate(ground) == "rgb(18, 22, 27)"
        assert page.evaluate(CONTRAST) == []
        page.call("Emulation.setEmulatedMedia", media="print")
        assert page.evaluate(ground) == "rgb(255, 255, 255)"
        page.call(
            "Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": "light"}]
        )
        assert page.evaluate(ground) == "rgb(255, 255, 255)"
        assert page.evaluate(CONTRAST) == []


# Text whose contrast with its ground is below the 4.5 that WCAG asks for.
CONTRAST = """
(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)|transparent/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
  return [...document.querySelectorAll('h1, h2, p, li, b, span, code, td, th, figcaption, svg text')].filter(e => e.textContent.trim())
    .filter(e => { const s = getComputedStyle(e), ink = light(e.closest('svg') ? s.fill : s.color), paper = light(ground(e));
      return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 4.5; }).map(e => e.textContent.slice(0, 40));
})()
"""


def test_the_picture_of_the_tables(database: ShopDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn by rich as SVG, from the same answer as on a terminal."""
    if database.server.family != "mysql":
        pytest.skip("one engine's picture will do")
    from rlops.cli.session import Session
    from rlops.render.views.monitor import view

    seen: list[Answer] = []
    show = Session.show
    monkeypatch.setattr(Session, "show", lambda session, answer: (seen.append(answer), show(session, answer))[1])
    database.cli("monitor", *shop(database, tmp_path), check=3)
    console = Console(
        record=True,
        width=112,
        markup=False,
        force_terminal=True,
        file=(tmp_path / "out").open("w"),
        color_system="truecolor",
    )
    for part in view(seen[0]):
        console.print(part)
    text = console.export_svg(title="rlops monitor", clear=False)
    assert "healthy" in text or "warning" in text or "critical" in text
    if folder := os.environ.get("RLOPS_PICTURES"):
        Path(folder, "monitor.svg").write_text(text)
