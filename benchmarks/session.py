"""One benchmark: generations of fresh proxies, each measured in every mode."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.cpu import MachineLoad, all_cpus, pin
from benchmarks.estimate import Generation
from benchmarks.load import Load
from benchmarks.processes import Proxy, Server, proxy_config, stand_in
from benchmarks.rounds import Plan, Round, measure, measure_idle
from benchmarks.variants import Variant


@dataclass(frozen=True)
class Settings:
    """What is run, and how much of it."""

    plans: Mapping[str, Plan]
    generations: int
    concurrency: int
    idle_seconds: float
    pinned: bool


@dataclass(frozen=True)
class Outcome:
    """Everything that was measured."""

    modes: Mapping[str, Sequence[Generation]]
    received: Mapping[str, Mapping[str, int]]
    requests_per_variant: int
    foreign_cpu_share: float


Say = Callable[[str], None]


async def run(variants: Sequence[Variant], settings: Settings, logs: Path, say: Say) -> Outcome:
    modes: dict[str, list[Generation]] = {mode: [] for mode in settings.plans}
    foreign: list[float] = []
    key = f"sk-{secrets.token_hex(24)}"
    with contextlib.ExitStack() as servers:
        provider = servers.enter_context(stand_in("provider", logs))
        sink = servers.enter_context(stand_in("sink", logs))
        config = proxy_config(logs / "config.yaml", provider.url, key)
        ours = [os.getpid(), provider.pid, sink.pid]
        if settings.pinned:
            for pid in ours:
                pin(pid, _cpus_for_the_rest())
        for number in range(settings.generations):
            say(
                f"generation {number + 1} of {settings.generations}: starting {len(variants)} proxies"
            )
            with contextlib.ExitStack() as life:
                proxies = _start(variants, life, config, sink, logs, number, pinned=settings.pinned)
                load_of_others = MachineLoad([*ours, *(p.server.pid for p in proxies)])
                rounds: dict[str, list[Round]] = {}
                async with Load(key, settings.concurrency) as load:
                    for mode, plan in settings.plans.items():
                        say(f"generation {number + 1} of {settings.generations}: {mode} requests")
                        rounds[mode] = await measure(
                            proxies, load, plan, stream=mode == "stream", turn=number
                        )
                    foreign.append(load_of_others.foreign_share())
                    say(f"generation {number + 1} of {settings.generations}: idle")
                    idle = await measure_idle(proxies, settings.idle_seconds)
                for mode, measured in rounds.items():
                    modes[mode].append(Generation(measured, idle))
        received = httpx.get(f"{sink.url}/counts").json()
    sent = settings.generations * sum(
        plan.warm_up + plan.rounds * 2 * plan.block for plan in settings.plans.values()
    )
    return Outcome(modes, received, sent, sum(foreign) / len(foreign))


def _cpus_for_the_rest() -> set[int]:
    """All but the last CPU, which is the proxies'."""
    return set(sorted(all_cpus())[:-1]) or all_cpus()


def _start(
    variants: Sequence[Variant],
    life: contextlib.ExitStack,
    config: Path,
    sink: Server,
    logs: Path,
    number: int,
    *,
    pinned: bool,
) -> list[Proxy]:
    """Start the proxies, as many at a time as there are CPUs, another one first each time."""
    turn = number % len(variants)

    def start(variant: Variant) -> Proxy:
        proxy = Proxy(variant, config=config, sink=sink, logs=logs, seed=number)
        life.callback(proxy.end)
        proxy.wait_until_ready()
        return proxy

    with ThreadPoolExecutor(len(all_cpus())) as pool:
        started = list(pool.map(start, [*variants[turn:], *variants[:turn]]))
    if pinned:
        for proxy in started:
            pin(proxy.server.pid, all_cpus() - _cpus_for_the_rest() or all_cpus())
    return sorted(started, key=lambda proxy: variants.index(proxy.variant))
