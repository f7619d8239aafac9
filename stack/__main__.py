"""``python -m stack demo`` and ``python -m stack standin NAME``."""

from __future__ import annotations

import argparse
import signal
import sys

from .demo.story import Demo
from .standins import Datadog, OtlpSink, PagerDuty, Provider, Slack

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
    stand_in = commands.add_parser("standin", help="run one stand-in until it is ended")
    stand_in.add_argument("name", choices=sorted(STAND_INS))
    stand_in.add_argument("--port", type=int)
    options = parser.parse_args(argv)
    if options.command == "demo":
        return Demo(full=options.full, once=options.once).run()
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
