"""``python -m stack demo``, ``python -m stack drill`` and ``python -m stack standin NAME``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from rich.console import Console

from .demo.story import Demo
from .drill.run import run as run_drills
from .standins.datadog import Datadog
from .standins.otlp import OtlpSink
from .standins.pagerduty import PagerDuty
from .standins.provider import Provider
from .standins.slack import Slack

STAND_INS = {
    "provider": Provider,
    "pagerduty": PagerDuty,
    "slack": Slack,
    "datadog": Datadog,
    "otlp": OtlpSink,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="LiteLLM's traffic arrives everywhere, and pages")
    demo.add_argument(
        "--once",
        action="store_true",
        help="end after the table; exit 0 only if everything in it arrived",
    )
    demo.add_argument("--full", action="store_true", help="with Loki and the full collector")
    drill = commands.add_parser("drill", help="backends fail, the collector is killed: count")
    drill.add_argument("name", nargs="*", help="drills to run, all if none is named")
    drill.add_argument("--seconds", type=float, default=60.0, help="how long each outage lasts")
    drill.add_argument("--report", type=Path, help="write the page with the table to this file")
    stand_in = commands.add_parser("standin", help="run one stand-in until it is ended")
    stand_in.add_argument("name", choices=sorted(STAND_INS))
    stand_in.add_argument("--port", type=int)
    options = parser.parse_args(argv)
    if options.command == "demo":
        return Demo(full=options.full, once=options.once).run()
    if options.command == "drill":
        return run_drills(options.name, options.seconds, Console(), options.report)
    return _serve(options.name, options.port)


def _serve(name: str, port: int | None) -> int:
    ending = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    with STAND_INS[name](port) as stand_in:
        print(stand_in.url, flush=True)
        signal.sigwait(ending)
    return 0


if __name__ == "__main__":
    sys.exit(main())
