"""One benchmark: generations of fresh proxies, each measured in every mode."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.cpu import MachineLoad, all_cpus, pin
from benchmarks.estimate import Generation
from benchmarks.functions import Functions, record
from benchmarks.load import Load
from benchmarks.processes import Proxy, Server, proxy_config, stand_in
from benchmarks.rounds import Plan, Round, measure, measure_idle
from benchmarks.variants import INSTRUMENTED, Variant


@dataclass(frozen=True)
class Settings:
    """What is run, and how much of it."""

    plans: Mapping[str, Plan]
    generations: int
    concurrency: int
    idle_seconds: float
    pinned: bool
    function_seconds: int = 0
    """How long py-spy watches the instrumented proxy in each mode."""


@dataclass(frozen=True)
class Outcome:
    """Everything that was measured."""

    modes: Mapping[str, Sequence[Generation]]
    received: Mapping[str, Mapping[str, int]]
    functions: Mapping[str, Functions]
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
        config = proxy_config(provider.url, key)
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
        async with httpx.AsyncClient() as client:
            received = (await client.get(f"{sink.url}/counts")).json()
        functions = (
            await _functions(settings, config, sink, key, logs, say)
            if settings.function_seconds
            else {}
        )
    sent = settings.generations * sum(
        plan.warm_up + plan.rounds * 2 * plan.block for plan in settings.plans.values()
    )
    return Outcome(modes, received, functions, sent, sum(foreign) / len(foreign))


async def _functions(
    settings: Settings, config: dict[str, Any], sink: Server, key: str, logs: Path, say: Say
) -> dict[str, Functions]:
    found: dict[str, Functions] = {}
    with contextlib.ExitStack() as life:
        say("function by function: starting the instrumented proxy")
        [proxy] = _start(
            [INSTRUMENTED], life, config, sink, logs, settings.generations, pinned=settings.pinned
        )
        async with Load(key, settings.concurrency) as load:
            for mode, plan in settings.plans.items():
                say(f"function by function: {mode} requests for {settings.function_seconds} s")
                stream = mode == "stream"
                await load.send(proxy.server.url, plan.warm_up, stream=stream)
                found[mode] = await record(
                    proxy, load, seconds=settings.function_seconds, stream=stream, folder=logs
                )
    return found


def _cpus_for_the_rest() -> set[int]:
    """All but the last CPU, which is the proxies'."""
    return set(sorted(all_cpus())[:-1]) or all_cpus()


def _start(
    variants: Sequence[Variant],
    life: contextlib.ExitStack,
    config: dict[str, Any],
    sink: Server,
    logs: Path,
    number: int,
    *,
    pinned: bool,
) -> list[Proxy]:
    """Start the proxies, as many at a time as there are CPUs, another one first each time."""
    turn = number % len(variants)
    waiting = [*variants[turn:], *variants[:turn]]
    started: list[Proxy] = []
    while waiting:
        together, waiting = waiting[: len(all_cpus())], waiting[len(all_cpus()) :]
        for variant in together:
            proxy = Proxy(variant, config=config, sink=sink, logs=logs, seed=number)
            life.callback(proxy.end)
            started.append(proxy)
        for proxy in started[-len(together) :]:
            proxy.wait_until_ready()
    if pinned:
        for proxy in started:
            pin(proxy.server.pid, all_cpus() - _cpus_for_the_rest() or all_cpus())
    return sorted(started, key=lambda proxy: variants.index(proxy.variant))
