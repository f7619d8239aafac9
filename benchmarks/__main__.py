"""Command line of the benchmark; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks import functions, recording, report, session
from benchmarks.rounds import Plan
from benchmarks.variants import BARE, BARE_AGAIN, INSTRUMENTED, PARTS, PEERS

RESULT = Path("build/bench.json")
_QUICK = {"whole": Plan(rounds=30, block=4, warm_up=60), "stream": Plan(20, 4, 24)}
_FULL = {"whole": Plan(rounds=100, block=4, warm_up=100), "stream": Plan(100, 4, 40)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="CPU time per request of LiteLLM's proxy, bare and instrumented.",
    )
    parser.add_argument("--mode", choices=["whole", "stream", "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="fewer requests: sooner, less exact")
    parser.add_argument(
        "--profile", action="store_true", help="also with each part left out: what costs what"
    )
    parser.add_argument(
        "--peers", action="store_true", help="also LiteLLM's own callbacks on a bare proxy"
    )
    parser.add_argument(
        "--functions", action="store_true", help="also function by function (needs py-spy)"
    )
    parser.add_argument(
        "--recording", action="store_true", help="only the metrics layer, by itself, in seconds"
    )
    parser.add_argument(
        "--strangers",
        type=int,
        metavar="N",
        help="only what the metrics layer keeps of N requests of callers never seen before",
    )
    parser.add_argument(
        "--generations", type=int, help="sets of fresh processes (default 6; quick 2)"
    )
    parser.add_argument("--rounds", type=int, help="rounds per generation and mode")
    parser.add_argument("--concurrency", type=int, default=4, help="requests in flight (default 4)")
    parser.add_argument("--no-pin", action="store_true", help="let processes move between CPUs")
    parser.add_argument("--output", type=Path, default=RESULT, help=f"default {RESULT}")
    arguments = parser.parse_args()
    for name in ("generations", "rounds", "concurrency", "strangers"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            parser.error(f"--{name} is {value}; it must be at least 1")
    if arguments.functions and functions.recorder() is None:
        parser.error("--functions needs py-spy: pip install py-spy")
    return arguments


def _settings(arguments: argparse.Namespace) -> session.Settings:
    plans = _QUICK if arguments.quick else _FULL
    wanted = ("whole", "stream") if arguments.mode == "both" else (arguments.mode,)
    return session.Settings(
        plans={
            mode: Plan(
                arguments.rounds or plans[mode].rounds, plans[mode].block, plans[mode].warm_up
            )
            for mode in wanted
        },
        generations=arguments.generations or (2 if arguments.quick else 6),
        concurrency=arguments.concurrency,
        idle_seconds=5 if arguments.quick else 10,
        pinned=not arguments.no_pin,
        function_seconds=(20 if arguments.quick else 60) if arguments.functions else 0,
    )


def _end(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> int:
    # As Ctrl-C does: unwind, and so end every process that was started.
    signal.signal(signal.SIGTERM, _end)
    arguments = _arguments()
    if arguments.recording:
        report.show_recording(recording.measure(), Console())
        return 0
    if arguments.strangers:
        report.show_strangers(arguments.strangers, Console())
        return 0
    settings = _settings(arguments)
    variants = [BARE, BARE_AGAIN, INSTRUMENTED]
    variants += [*(PARTS if arguments.profile else ()), *(PEERS if arguments.peers else ())]
    progress = Console(stderr=True)
    logs = Path(tempfile.mkdtemp(prefix="litellm-otel-bench-"))
    try:
        outcome = asyncio.run(session.run(variants, settings, logs, progress.print))
    except KeyboardInterrupt:
        progress.print("interrupted; nothing was written")
        return 130
    except (RuntimeError, OSError) as error:
        progress.print(f"the benchmark failed: {error}", markup=False, highlight=False)
        return 1
    progress.print("the metrics layer by itself")
    found = report.facts(outcome, settings, variants, recording.measure())
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(found, indent=2) + "\n")
    report.show(found, Console())
    progress.print(f"written to {arguments.output}; logs of the processes in {logs}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
