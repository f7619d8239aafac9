"""Alternating blocks of requests to several proxies, and the CPU time each of them took.

One round gives every proxy the same requests in two short blocks, the second half of the round in
the reverse order of the first (A B C C B A), so that a drift of the machine's speed hits all alike.
A proxy's CPU time is read over the whole round, not over its own blocks alone: what it exports a
few seconds after its requests is part of what they cost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cpu import family, tree_cpu_seconds
from benchmarks.load import Load
from benchmarks.processes import Proxy

# OpenTelemetry's batch processors send what they hold after 5 s at the latest.
DRAIN_SECONDS = 6.0


@dataclass(frozen=True)
class Plan:
    """How much of one kind of request is measured."""

    rounds: int
    block: int
    warm_up: int


@dataclass(frozen=True)
class Round:
    """CPU seconds of every variant, for ``requests`` requests to each."""

    requests: int
    wall_seconds: float
    cpu_seconds: Mapping[str, float]


class Stopwatch:
    """CPU time of each proxy and whatever it started."""

    def __init__(self, proxies: Sequence[Proxy]) -> None:
        self._families = {p.variant.name: family(p.server.pid) for p in proxies}
        self._start = time.monotonic()
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        return {name: tree_cpu_seconds(pids) for name, pids in self._families.items()}

    def lap(self) -> tuple[float, dict[str, float]]:
        """Wall and CPU seconds since the last lap."""
        now, read = time.monotonic(), self._read()
        wall, used = now - self._start, {n: read[n] - self._before[n] for n in read}
        self._start, self._before = now, read
        return wall, used


async def measure(
    proxies: Sequence[Proxy], load: Load, plan: Plan, *, stream: bool, turn: int
) -> list[Round]:
    """Warm every proxy up, then run the rounds, starting each with the next proxy in turn."""
    for proxy in proxies:
        await load.send(proxy.server.url, plan.warm_up, stream=stream)
    watch = Stopwatch(proxies)
    rounds: list[Round] = []
    for number in range(plan.rounds):
        first = (number + turn) % len(proxies)
        order = [*proxies[first:], *proxies[:first]]
        for proxy in [*order, *reversed(order)]:
            await load.send(proxy.server.url, plan.block, stream=stream)
        rounds.append(Round(2 * plan.block, *watch.lap()))
    return rounds


async def measure_idle(proxies: Sequence[Proxy], seconds: float) -> dict[str, float]:
    """CPU seconds per second of every proxy that has nothing to do and nothing left to send."""
    await asyncio.sleep(DRAIN_SECONDS)
    watch = Stopwatch(proxies)
    await asyncio.sleep(seconds)
    wall, used = watch.lap()
    return {name: cpu / wall for name, cpu in used.items()}
