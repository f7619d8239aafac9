"""The command ``litellm-otel``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from litellm_otel import __version__
from litellm_otel.cli import metrics, run

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="litellm-otel",
        description="OpenTelemetry traces, metrics and logs for LiteLLM.",
        epilog="Settings are read from the environment: the standard OTEL_* variables and those"
        " that begin with LITELLM_OTEL_.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    run.add_to(commands)
    metrics.add_to(commands)
    return parser


def main(arguments: Sequence[str] | None = None, *, prog: str | None = None) -> int:
    """Run the command line; with `prog`, that of ``python -m litellm_otel``, which only runs."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    place = 0 if prog else 1
    if words[place : place + 1] == ["-m"]:
        # It names what is run; argparse would take it for an option of its own.
        words.insert(place, "--")
    parser = run.parser(prog) if prog else _parser()
    options = parser.parse_args(words)
    if getattr(options, "command", None) == "metrics":
        return metrics.run(options)
    return run.run(options.program, options.arguments)
