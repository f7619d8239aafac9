"""Command line: ``python -m benchmarks.collector``; see "Sizing" in docs/collector.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks.collector import report
from benchmarks.collector.cases import CASES
from benchmarks.collector.payload import capture
from benchmarks.collector.rounds import measure
from benchmarks.cpu import MachineLoad, all_cpus, pin
from benchmarks.processes import stand_in
from stack.paths import RunDirectory
from stack.running import ending_on_signals


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="of each variant (default 8)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.5,
        help="of CPU that a round is for the plain pipeline (default 0.5)",
    )
    parser.add_argument("--only", help="cases whose name holds this text: traces, Loki, ...")
    parser.add_argument("--report", type=Path, help="write the tables as Markdown to this file")
    parser.add_argument("--output", type=Path, default=Path("build/sizing.json"))
    arguments = parser.parse_args()
    progress = Console(stderr=True)
    chosen = [case for case in CASES if arguments.only is None or arguments.only in case.name]
    if not chosen:
        parser.error(f"--only {arguments.only}: of {', '.join(case.name for case in CASES)}")
    logs = Path(tempfile.mkdtemp(prefix="litellm-otel-sizing-"))
    progress.print("capturing what LiteLLM's proxy sends")
    payloads = asyncio.run(capture(logs))
    run = RunDirectory("sizing")
    # Who sends and who receives share the CPUs that the collector is not on.
    rest = set(sorted(all_cpus())[:-1]) or all_cpus()
    results: list[tuple[report.Case, dict[str, report.Measured]]] = []
    with ending_on_signals(), stand_in("collector.sink", logs) as backend:
        for pid in (os.getpid(), backend.pid):
            pin(pid, rest)
        load, started = MachineLoad([os.getpid(), backend.pid]), time.monotonic()
        for number, case in enumerate(chosen):
            progress.print(case.name)
            measured = measure(
                case,
                payloads[case.signal],
                backend=backend.url,
                backend_pid=backend.pid,
                run=run,
                number=number,
                rounds=arguments.rounds,
                seconds=arguments.seconds,
            )
            results.append((case, measured))
            for name, variant in measured.items():
                busy = report.median(variant.rounds, lambda one: one.cpu / one.wall)
                sender = report.median(variant.rounds, lambda one: one.sender / one.wall)
                rate = report.median(variant.rounds, lambda one: one.items / one.wall)
                progress.print(
                    f"  {name}: {rate:,.0f} items/s delivered; the collector used {busy:.0%} of its"
                    f" CPU, sender and backend {sender:.0%} of theirs"
                )
        of_all = (time.monotonic() - started) * len(all_cpus())
        own = sum(one.cpu for _, found in results for each in found.values() for one in each.rounds)
        others = max(0.0, load.foreign_share() - own / of_all)
    text = report.tables(results, payloads)
    Console(width=200).print(text, markup=False, highlight=False)
    progress.print(f"other programs used {others:.0%} of the CPUs")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        case.name: {name: asdict(variant) for name, variant in measured.items()}
        for case, measured in results
    }
    arguments.output.write_text(json.dumps(facts, indent=1) + "\n")
    if arguments.report is not None:
        arguments.report.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
