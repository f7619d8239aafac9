"""Runs drills one after the other, counts what became of each item, and prints the table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table

from ..paths import RunDirectory
from ..running import Running, ending_on_signals
from ..waiting import NotInTime, until
from .drills import DRILLS, Drill
from .site import Backends, Site, can_mount

CALM: Final = 2.0
"""Seconds of load before and after what happens."""
DRAINED_WITHIN: Final = 180.0
"""Seconds the collector has to deliver what it held."""
REFUSED_BY: Final = frozenset({("metrics", "Prometheus"), ("logs", "Loki")})
"""Where items of long ago are refused."""


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


def run(names: Sequence[str], seconds: float, console: Console, report: Path | None = None) -> int:
    """Run the drills with these names (all, if none is given); the exit code.

    ``seconds``: how long each outage lasts. ``report``: where to write the table as Markdown.
    """
    chosen = [drill for drill in DRILLS if not names or drill.name in names]
    directory = RunDirectory("drill")
    rows: list[Row] = []
    with ending_on_signals(), Running() as running:
        backends = Backends(directory)
        backends.start(running)
        running.await_ready()
        first = 1
        for drill in chosen:
            if drill.small_disk and not can_mount():
                console.print(f"{drill.name}: skipped, no file system of one's own can be had here")
                continue
            console.print(f"[bold]{drill.name}[/]: {drill.story}", highlight=False)
            rows += _run(drill, backends, first, seconds, console)
            first += 1_000_000
    console.print(_table(rows))
    if report is not None:
        report.write_text(_markdown(rows, seconds), encoding="utf-8")
    return 1 if any(row.lost for row in rows) or not rows else 0


def _run(
    drill: Drill, backends: Backends, first: int, seconds: float, console: Console
) -> list[Row]:
    site = Site(backends, drill.slug, first)
    if drill.small_disk:
        site.on_a_small_disk()
    with site.under_load():
        site.wait(CALM)
        drill.run(site, seconds)
        ended = time.monotonic()
        site.wait(CALM)

    def delivered() -> bool:
        site.collector.ensure_running()
        return not any(row.lost for row in _rows(drill, site))

    try:
        with contextlib.suppress(NotInTime):
            until(
                delivered,
                what="everything acknowledged to be stored",
                timeout=DRAINED_WITHIN,
                interval=0.5,
                retry_on=(httpx.HTTPError,),
            )
        rows = _rows(drill, site)
    finally:
        site.collector.stop()
    refusals = ", ".join(f"{why}: {count}" for why, count in site.load.refusals.items())
    console.print(
        f"  {len(site.numbers)} items a signal, {sum(row.lost for row in rows)} lost,"
        f" {time.monotonic() - ended:.0f} s until all were stored"
        + (f"; not acknowledged at once: {refusals}" if refusals else ""),
        highlight=False,
    )
    return rows


def _rows(drill: Drill, site: Site) -> list[Row]:
    rows: list[Row] = []
    for (signal, backend), counts in site.backends.stored(site.numbers).items():
        taken = site.load.taken[signal]
        refused = site.load.ancient & taken if (signal, backend) in REFUSED_BY else set[int]()
        here = counts.keys() & taken
        rows.append(
            Row(
                drill.name,
                signal,
                backend,
                sent=len(site.numbers),
                acknowledged=len(taken),
                refused=len(refused - here),
                stored=len(here),
                lost=len(taken - here - refused),
                duplicates=sum(counts[number] for number in here) - len(here),
            )
        )
    return rows


COLUMNS: Final = (
    ("drill", "signal", "backend"),
    ("sent", "acknowledged", "refused", "stored", "lost", "duplicates"),
)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(title="What became of each item")
    for name in COLUMNS[0]:
        table.add_column(name)
    for name in COLUMNS[1]:
        table.add_column(name, justify="right")
    for row in rows:
        cells = [str(getattr(row, name)) for names in COLUMNS for name in names]
        table.add_row(*cells, style="red" if row.lost else None)
    return table


def _markdown(rows: Sequence[Row], seconds: float) -> str:
    names = [name for group in COLUMNS for name in group]
    lines = [
        f"Each outage lasted {seconds:g} s. Numbers are items; a batch of ten of each signal was sent",
        "every 0.2 s, again and again until the collector had acknowledged it.",
        "",
        "| " + " | ".join(names) + " |",
        "|" + "---|" * len(COLUMNS[0]) + "---:|" * len(COLUMNS[1]),
    ]
    lines += ["| " + " | ".join(str(getattr(row, name)) for name in names) + " |" for row in rows]
    return "\n".join(lines) + "\n"
