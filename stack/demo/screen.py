"""What the demo prints: one line a step while it goes on, then the table, the pages, the trace."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .report import Report
from .tree import drawn


class Screen:
    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, width=_width())
        self._status = ""

    @contextmanager
    def step(self, name: str, text: str, report: Report) -> Iterator[None]:
        """A spinner while a step goes on, and a line with its duration when it is done."""
        started = time.monotonic()
        with self.console.status(f"{text} …") as status:
            self._status = text
            self._spinner = status
            yield
        report.seconds[name] = time.monotonic() - started
        self.console.print(f"[green]✓[/] {text} [dim]({report.seconds[name]:.1f} s)[/]")

    def note(self, text: str) -> None:
        """What the step under way is doing right now."""
        self._spinner.update(f"{self._status}: {escape(text)} …")

    def results(self, report: Report) -> None:
        self.console.print()
        self.console.print(_table(report))
        self._pages(report)
        self.console.print(drawn(report.trace))
        for line in report.refusals[:20]:
            self.console.print(f"[red]refused[/] {escape(line)}")
        self.console.print()

    def addresses(self, report: Report) -> None:
        grid = Table.grid(padding=(0, 2))
        for name, address in report.addresses.items():
            grid.add_row(f"[bold]{name}[/]", escape(address))
        self.console.print(grid)

    def _pages(self, report: Report) -> None:
        table = Table(title="Pages", title_justify="left", box=box.SIMPLE_HEAD)
        for column in ("to", "state", "after the outage began", "text"):
            table.add_column(column, overflow="fold")
        for page in report.document()["pages"]:
            firing = page["state"] == "firing"
            table.add_row(
                page["to"],
                f"[{'red' if firing else 'green'}]{page['state']}[/]",
                f"{page['seconds_after_outage']:.0f} s",
                escape(page["text"].partition("\n")[0]),
            )
        self.console.print(table)


def _width() -> int | None:
    """The terminal's own; wide enough for the table where there is no terminal, as in CI."""
    return None if sys.stdout.isatty() else 110


def _table(report: Report) -> Table:
    sent = ", ".join(f"{count} {kind}" for kind, count in report.traffic.by_kind().items())
    table = Table(
        title=f"{len(report.traffic)} requests sent: {sent}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for column in ("where", "what"):
        table.add_column(column)
    for column in ("expected", "arrived"):
        table.add_column(column, justify="right")
    table.add_column("")
    last = ""
    for check in report.checks:
        if last and check.where != last:
            table.add_section()
        table.add_row(
            check.where if check.where != last else "",
            check.what,
            f"{'≥ ' if check.at_least else ''}{check.expected}",
            str(check.arrived),
            "[green]✓[/]" if check.ok else "[bold red]✗[/]",
        )
        last = check.where
    return table
