"""The drill's page: what is on it can be read back, so that one drill can be done again."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from stack.drill.drills import DRILLS
from stack.drill.report import Row, a_day, earlier, page, table
from stack.paths import ROOT

KILLED = Row("killed", "logs", "Loki", 1_234, 1_230, 1, 1_229, 0, 20)
FULL = Row("disk full", "traces", "OTLP", 10, 10, 0, 9, 1, 0)
DAYS = {"disk full": "2026-01-02, 120 s", "killed": "2026-01-01, 60 s"}


def test_a_page_is_read_back_as_it_was_written() -> None:
    written = page([FULL, KILLED], DAYS, DRILLS)
    rows, days = earlier(written)
    assert rows == [KILLED, FULL]  # in the order of the drills
    assert days == DAYS
    assert page(rows, days, DRILLS) == written
    assert "Of 1,240 deliveries" in written
    assert "**1 was missing**" in written


def test_a_drill_that_is_done_again_has_its_own_day() -> None:
    _, days = earlier(page([KILLED], {**DAYS, "disk full": a_day(2.5)}, DRILLS))
    assert days["disk full"].endswith(", 2.5 s")
    assert days["killed"] == DAYS["killed"]


def test_the_page_in_the_documentation_is_one_of_these() -> None:
    text = (ROOT / "docs" / "drill.md").read_text(encoding="utf-8")
    rows, days = earlier(text)
    assert page(rows, days, DRILLS) == text
    assert set(days) == {drill.name for drill in DRILLS}


def test_nothing_is_cut_where_a_terminal_is_narrow() -> None:
    shown = StringIO()
    Console(file=shown, width=80).print(table([KILLED]))
    assert "1,234" in shown.getvalue()
    assert "…" not in shown.getvalue()
