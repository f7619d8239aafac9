"""What a benchmark found, as a table for people and as JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import strangers
from benchmarks.estimate import (
    Estimate,
    Generation,
    difference_to,
    estimate,
    ratio_to,
    round_noise,
)
from benchmarks.functions import Functions
from benchmarks.recording import Cost
from benchmarks.session import Outcome, Settings
from benchmarks.variants import BARE, BARE_AGAIN, INSTRUMENTED, PARTS, Variant

AIM = 1.05
_LONGEST = 25
_GENERATIONS_FOR_AN_INTERVAL = 4
_BASES = (BARE.name, BARE_AGAIN.name)
_PACKAGES = ("litellm-otel", "litellm", "fastapi", "uvicorn", "opentelemetry-sdk", "protobuf")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _microseconds(seconds: Estimate) -> dict[str, Any]:
    scaled = {name: getattr(seconds, name) * 1e6 for name in ("value", "low", "high")}
    return {name: round(value, 1) for name, value in scaled.items()}


def _ratio(estimated: Estimate) -> dict[str, Any]:
    return {
        "value": round(estimated.value, 4),
        "low": round(estimated.low, 4),
        "high": round(estimated.high, 4),
        "generations": [round(value, 4) for value in estimated.generations],
    }


def _mode(generations: Sequence[Generation], variants: Sequence[Variant]) -> dict[str, Any]:
    off_off = estimate(generations, ratio_to(BARE_AGAIN.name, BARE.name))
    rows: dict[str, Any] = {}
    for variant in variants:
        bases = (BARE.name,) if variant is BARE_AGAIN else _BASES
        rows[variant.name] = {
            "what": variant.what,
            "microseconds": _microseconds(
                estimate(generations, lambda cost, n=variant.name: cost(n))
            ),
            "added_microseconds": _microseconds(
                estimate(generations, difference_to(variant.name, *bases))
            ),
            "ratio": _ratio(estimate(generations, ratio_to(variant.name, *bases))),
        }
        if variant in PARTS:
            saved = estimate(generations, difference_to(INSTRUMENTED.name, variant.name))
            rows[variant.name]["part_microseconds"] = _microseconds(saved)
    return {
        "variants": rows,
        "resolution": round(max(off_off.half_width, abs(off_off.value - 1)), 4),
        "round_to_round_variation": round(round_noise(generations, BARE.name), 4),
    }


def _functions(found: Functions) -> dict[str, Any]:
    return {
        "requests": found.requests,
        "telemetry_microseconds": round(found.telemetry, 1),
        "by_file": {name: round(value, 1) for name, value in found.by_file.items()},
        "by_function": {name: round(value, 1) for name, value in found.by_function.items()},
    }


def facts(
    outcome: Outcome,
    settings: Settings,
    variants: Sequence[Variant],
    costs: Mapping[str, Cost],
) -> dict[str, Any]:
    """All of it, ready for JSON."""
    idle = {
        variant.name: [
            round(generation.idle[variant.name] * 1e3, 2)
            for generation in next(iter(outcome.modes.values()))
        ]
        for variant in variants
    }
    return {
        "aim": AIM,
        "machine": {
            "architecture": platform.machine(),
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
        },
        "packages": {package: _version(package) for package in _PACKAGES},
        "settings": {
            "generations": settings.generations,
            "concurrency": settings.concurrency,
            "pinned": settings.pinned,
            "plans": {mode: asdict(plan) for mode, plan in settings.plans.items()},
        },
        "cpu_share_of_other_processes": round(outcome.foreign_cpu_share, 3),
        "modes": {mode: _mode(found, variants) for mode, found in outcome.modes.items()},
        "idle_cpu_milliseconds_per_second": idle,
        "requests_per_variant": outcome.requests_per_variant,
        "received_by_sink": outcome.received,
        "recording_microseconds": {name: asdict(cost) for name, cost in costs.items()},
        "functions": {mode: _functions(found) for mode, found in outcome.functions.items()},
    }


def _interval(value: Mapping[str, Any], digits: int) -> str:
    return f"{value['low']:,.{digits}f} … {value['high']:,.{digits}f}"


def _mode_table(mode: str, found: Mapping[str, Any]) -> Table:
    parts = any("part_microseconds" in row for row in found["variants"].values())
    table = Table(title=f"{mode} chat completions: CPU time of the proxy", title_justify="left")
    table.add_column("proxy")
    for column in ("µs/request", "ratio", "95% interval", "added µs"):
        table.add_column(column, justify="right")
    if parts:
        table.add_column("the part left out costs, µs", justify="right")
    for name, row in found["variants"].items():
        cells = [
            name,
            f"{row['microseconds']['value']:,.0f}",
            f"{row['ratio']['value']:.3f}",
            _interval(row["ratio"], 3),
            f"{row['added_microseconds']['value']:+,.0f}",
        ]
        if parts and "part_microseconds" in row:
            part = row["part_microseconds"]
            cells.append(f"{part['value']:,.0f}  ({_interval(part, 0)})")
        table.add_row(*cells)
    return table


def _cost_table(title: str, costs: Mapping[str, float]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    table.add_column("µs", justify="right", min_width=6)
    table.add_column("where", overflow="fold")
    for where, microseconds in [*costs.items()][:_LONGEST]:
        table.add_row(f"{microseconds:,.0f}", escape(where.rpartition("<locals>.")[2]))
    return table


def _show_functions(mode: str, found: Mapping[str, Any], console: Console) -> None:
    console.print(
        f"{mode}: {found['telemetry_microseconds']:,.0f} µs per request are spent in telemetry's own"
        f" frames, says py-spy of {found['requests']} requests"
    )
    for kind in ("file", "function"):
        console.print(_cost_table(f"µs per request by {kind}", found[f"by_{kind}"]))
    console.print()


def _export_line(name: str, received: Mapping[str, int], requests: int) -> str:
    counts = ", ".join(
        f"{received.get(kind, 0) / requests:.2f} {label}"
        for kind, label in (
            ("spans server", "SERVER spans"),
            ("spans internal", "INTERNAL spans"),
            ("spans client", "CLIENT spans"),
            ("log records", "log records"),
            ("bytes", "bytes"),
        )
    )
    metrics = f"{received.get('metrics in last export', 0)} metrics"
    return f"exported per request, {name}: {counts}; {metrics}"


def show(found: Mapping[str, Any], console: Console) -> None:
    for mode, measured in found["modes"].items():
        console.print(_mode_table(mode, measured))
        ratio = measured["variants"][INSTRUMENTED.name]["ratio"]["value"]
        verdict = "met" if ratio <= found["aim"] else "missed"
        console.print(
            f"aim {found['aim']:.2f}: {verdict} with {ratio:.3f};"
            f" resolution of this run ±{measured['resolution']:.3f} (off/off);"
            f" a round of the bare proxy varies by {measured['round_to_round_variation']:.1%}\n"
        )
    if found["settings"]["generations"] < _GENERATIONS_FOR_AN_INTERVAL:
        console.print(
            "few generations: the intervals say little about how far one process differs from"
            " the next; leave --generations at its default for a figure to rely on\n"
        )
    for mode, measured in found["functions"].items():
        _show_functions(mode, measured, console)
    costs = {name: Cost(**cost) for name, cost in found["recording_microseconds"].items()}
    whole = found["modes"].get("whole")
    show_recording(costs, console, whole and whole["variants"][BARE.name]["microseconds"]["value"])
    for name, received in sorted(found["received_by_sink"].items()):
        console.print(_export_line(name, received, found["requests_per_variant"]))
    console.print(f"other processes used {found['cpu_share_of_other_processes']:.0%} of the CPUs")


def show_recording(
    found: Mapping[str, Cost], console: Console, request: float | None = None
) -> None:
    """The table of `benchmarks.recording`; ``request``: µs of a bare proxy's, where that was measured."""
    table = Table(title="Recording the metrics of one request", title_justify="left")
    for column in ("metrics on", "µs of CPU", "middle half", "of everything"):
        table.add_column(column, justify="left" if column == "metrics on" else "right")
    if request:
        table.add_column("of a bare request", justify="right")
    whole = found["everything"].median
    for name, cost in found.items():
        cells = [
            name,
            f"{cost.median:.1f}",
            f"{cost.low:.1f} to {cost.high:.1f}",
            f"{cost.median / whole:.0%}",
        ]
        table.add_row(*cells, *([f"{cost.median / request:.2%}"] if request else []))
    console.print(table)


def show_strangers(requests: int, console: Console) -> None:
    """The table of `benchmarks.strangers`."""
    table = Table(title="Each request a stranger's", title_justify="left")
    for column in ("requests", "resident, MB"):
        table.add_column(column, justify="right")
    page = strangers.measure(
        requests, lambda done, resident: table.add_row(f"{done:,}", f"{resident / 1e6:.1f}")
    )
    console.print(table)
    console.print(
        f"a scrape: {page.series:,} series, {page.size / 1e6:.0f} MB; all {page.counted:,.0f} counted"
    )
