"""``python -m tests.environments lock|build [NAME...]``: all of them where none is named."""

# ruff: noqa: T201 - a command prints
from __future__ import annotations

import argparse
import sys
import time

from tests.environments.building import CannotBuild, environment, lock
from tests.environments.table import ENVIRONMENTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.environments", description=__doc__)
    parser.add_argument("command", choices=("lock", "build"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    for name in given.names or ENVIRONMENTS:
        started = time.monotonic()
        try:
            made = lock(name) if given.command == "lock" else environment(name)
        except CannotBuild as reason:
            print(f"{name}: {reason}", file=sys.stderr)
            return 1
        print(f"{name}: {made or 'locked'} ({time.monotonic() - started:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
