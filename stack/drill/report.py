"""What became of each item, as a table for the terminal and as the page ``docs/drill.md``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from rich.table import Table

from .drills import Drill
from .site import ITEMS_A_BATCH, PAUSE


@dataclass(frozen=True)
class Row:
    """What became of one signal at one backend in one drill: numbers of items."""

    drill: str
    signal: str
    backend: str
    sent: int
    acknowledged: int
    refused: int
    """By the backend, as the drill wanted it."""
    stored: int
    lost: int
    """Acknowledged by the collector, and neither stored nor refused."""
    duplicates: int


WHAT: Final = ("drill", "signal", "backend")
NUMBERS: Final = ("sent", "acknowledged", "refused", "stored", "lost", "duplicates")

_PAGE: Final = """\
# The outage drill

`make drill` runs the collector's task `hybrid` with a real Prometheus, a real Loki, and stand-ins of Datadog
and of an OTLP backend for traces. A load of numbered spans, log records and metric points goes through it
while something breaks, and in the end each number is looked for where it should be. {batch} of each signal are
sent at a time, the next {pause:g} s after they were acknowledged; what is refused is sent again, as LiteLLM's
process does.

```sh
make drill DRILL='--seconds 120 --report docs/drill.md'  # makes this page
make drill DRILL='"disk full" --seconds 120 --report docs/drill.md'  # makes its part of it anew
make drill DRILL='"all down" killed --seconds 20'  # some of it, sooner
```

## What was done

Of {taken} deliveries (each acknowledged item to each of its backends) **{lost} {were} missing** in the end.
In brackets are the day on which each was last done and how long the outage lasted: one can be done again
without the others.

{stories}

*Lost* is what was acknowledged and then neither stored nor refused for good. *Duplicates* come of backends that
stored what they were sent and did not live to say so, and of a collector killed before it had noted their
answer: delivery is at least once. To Prometheus two samples of one time are one.

{table}
"""


def table(rows: Sequence[Row]) -> Table:
    """For the terminal."""
    made = Table(title="What became of each item", padding=0)
    for name in WHAT:
        made.add_column(name, overflow="fold")
    for name in NUMBERS:
        made.add_column(name, justify="right", overflow="fold", min_width=7)
    for row in rows:
        made.add_row(*_cells(row), style="red" if row.lost else None)
    return made


def page(rows: Sequence[Row], days: Mapping[str, str], drills: Sequence[Drill]) -> str:
    """For the documentation: what was done, and the table. ``days``: of each drill, as `a_day` has it."""
    done = [drill for drill in drills if drill.name in days]
    shown = [row for drill in done for row in rows if row.drill == drill.name]
    lost = sum(row.lost for row in shown)
    lines = [
        "| " + " | ".join((*WHAT, *NUMBERS)) + " |",
        "|" + "---|" * len(WHAT) + "---:|" * len(NUMBERS),
        *("| " + " | ".join(_cells(row)) + " |" for row in shown),
    ]
    return _PAGE.format(
        batch=ITEMS_A_BATCH,
        pause=PAUSE,
        lost=lost,
        were="was" if lost == 1 else "were",
        taken=f"{sum(row.acknowledged for row in shown):,}",
        stories="\n".join(
            f"- **{drill.name}** ({days[drill.name]}): {drill.story}" for drill in done
        ),
        table="\n".join(lines),
    )


def a_day(seconds: float) -> str:
    """Today's, of a drill whose outage lasts so long."""
    return f"{datetime.now(timezone.utc).date()}, {seconds:g} s"


def earlier(text: str) -> tuple[list[Row], dict[str, str]]:
    """The rows and days of a page, so that some of its drills can be done again."""
    days = dict(re.findall(r"^- \*\*(.+?)\*\* \((\S+, \S+ s)\): ", text, re.M))
    rows: list[Row] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in days and len(cells) == len(WHAT) + len(NUMBERS):
            drill, signal, backend, *numbers = cells
            rows.append(Row(drill, signal, backend, **_counts(numbers)))
    return rows, days


def _counts(cells: Sequence[str]) -> dict[str, int]:
    return {name: int(cell.replace(",", "")) for name, cell in zip(NUMBERS, cells, strict=True)}


def _cells(row: Row) -> list[str]:
    return [
        *(str(getattr(row, name)) for name in WHAT),
        *(f"{getattr(row, name):,}" for name in NUMBERS),
    ]
