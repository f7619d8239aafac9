"""From rounds to the tables of docs/collector.md."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from benchmarks.collector.cases import DISK, PLAIN, Case
from benchmarks.collector.payload import Payload
from benchmarks.collector.rounds import Measured, Round

QUEUE: Final = 2**30
"""Bytes that each queue holds."""
Results = Sequence[tuple[Case, Mapping[str, Measured]]]


def tables(results: Results, payloads: Mapping[str, Payload]) -> str:
    """As Markdown: what items cost, and what a request of the gateway is in items."""
    return "\n\n".join((_costs(results), _requests(results, payloads))) + "\n"


def _costs(results: Results) -> str:
    lines = [
        "| | collector | µs of CPU an item | against plain | items/s a core"
        " | memory, MB | disk written, bytes an item |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for case, variants in results:
        plain = variants[PLAIN].rounds
        for name, measured in variants.items():
            cost = median(measured.rounds, cpu_an_item)
            ratios = [
                cpu_an_item(one) / cpu_an_item(other)
                for one, other in zip(measured.rounds, plain, strict=True)
            ]
            cells = [
                case.name if name == PLAIN else "",
                name,
                f"{cost:.1f}{spread([cpu_an_item(one) for one in measured.rounds], 1)}",
                "1" if name == PLAIN else f"{statistics.median(ratios):.1f}{spread(ratios, 1)}",
                f"{1e6 / cost:,.0f}",
                f"{measured.peak_memory / 1e6:,.0f}",
                f"{median(measured.rounds, lambda one: one.written / one.items):,.0f}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _requests(results: Results, payloads: Mapping[str, Payload]) -> str:
    lines = [
        "| signal | from LiteLLM | bytes an item | 1 GiB of queue holds |",
        "|---|---|--:|--:|",
    ]
    for signal, payload in payloads.items():
        held = QUEUE / payload.bytes_an_item / payload.items_a_request
        if signal == "metrics":
            source = f"{payload.items_a_request:.0f} points a process and report"
            holds = f"{held:,.0f} reports"
        else:
            source = f"{payload.items_a_request:.1f} a request"
            holds = f"{held / 1e6:.1f} million requests"
        lines.append(f"| {signal} | {source} | {payload.bytes_an_item:,.0f} | {holds} |")
    cpu = sum(
        payloads[case.signal].items_a_request * median(variants[DISK].rounds, cpu_an_item)
        for case, variants in results
        if case.signal != "metrics" and case.backend != "Datadog"
    )
    lines += ["", f"A request, spans and records together: {cpu:,.0f} µs of CPU."]
    return "\n".join(lines)


def cpu_an_item(one: Round) -> float:
    """Microseconds."""
    return one.cpu / one.items * 1e6


def median(rounds: Sequence[Round], of: Callable[[Round], float]) -> float:
    return statistics.median(map(of, rounds))


def spread(values: Sequence[float], digits: int) -> str:
    return f" ({min(values):.{digits}f} to {max(values):.{digits}f})"
