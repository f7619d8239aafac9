"""Runs drills one after the other, counts what became of each item, and prints the table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console

from ..paths import RunDirectory
from ..running import Running, ending_on_signals
from ..waiting import NotInTime, until
from .drills import DRILLS, Drill
from .report import Row, a_day, earlier, page, table
from .site import Backends, Site, can_mount

CALM: Final = 2.0
"""Seconds of load before and after what happens."""
DRAINED_WITHIN: Final = 600.0
"""Seconds the collector has to deliver what it held: a busy machine takes its time."""
REFUSED_BY: Final = frozenset({("metrics", "Prometheus"), ("logs", "Loki")})
"""Where items of long ago are refused."""


def run(names: Sequence[str], seconds: float, console: Console, report: Path | None = None) -> int:
    """Run the drills with these names (all, if none is given); the exit code.

    ``seconds``: how long each outage lasts. ``report``: where to write the page; of drills that are not
    done now, what it says of them stays.
    """
    chosen = [drill for drill in DRILLS if not names or drill.name in names]
    directory = RunDirectory("drill")
    rows: list[Row] = []
    reported, days = (
        earlier(report.read_text(encoding="utf-8")) if report and report.exists() else ([], {})
    )
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
            made = _run(drill, backends, first, seconds, console)
            rows += made
            first += 1_000_000
            if report is not None:  # each time, as all of it takes an hour
                reported = [row for row in reported if row.drill != drill.name] + made
                days[drill.name] = a_day(seconds)
                report.write_text(page(reported, days, DRILLS), encoding="utf-8")
    console.print(table(rows))
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

    rows: list[Row] = []

    def delivered() -> bool:
        nonlocal rows
        site.collector.ensure_running()
        rows = _rows(drill, site)
        return not any(row.lost for row in rows)

    try:
        with contextlib.suppress(NotInTime):
            until(
                delivered,
                what="everything acknowledged to be stored",
                timeout=DRAINED_WITHIN,
                interval=0.5,
                retry_on=(httpx.HTTPError,),
            )
    finally:
        site.collector.stop()
        backends.forget()
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
    for (signal, backend), counts in site.backends.stored(site.numbers, site.load.instance).items():
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
