"""Copies the collector's configurations and the alert rules into the chart.

Helm reads nothing outside a chart, and links don't survive every way a chart travels. So the chart
holds copies: `python helm/sync.py` renews them, `--check` only says whether they are the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ROOT / "helm" / "litellm-otel-collector" / "files"
SOURCES = {
    FILES / "config": ROOT / "collector" / "config",
    FILES / "rules": ROOT / "alerting" / "prometheus" / "rules",
}


def differences() -> dict[Path, bytes | None]:
    """What each file in the chart that isn't as it should be should hold; None: not be there."""
    wanted = {
        target / source.name: source.read_bytes()
        for target, folder in SOURCES.items()
        for source in sorted(folder.glob("*.yaml"))
    }
    present = {
        path: path.read_bytes() for target in SOURCES for path in sorted(target.glob("*.yaml"))
    }
    return {
        path: wanted.get(path)
        for path in sorted(wanted.keys() | present.keys())
        if wanted.get(path) != present.get(path)
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on a difference")
    check = parser.parse_args(argv).check
    changes = differences()
    for path, content in changes.items():
        name = path.relative_to(ROOT)
        if check:
            print(f"{name}: not as its source; run python helm/sync.py", file=sys.stderr)  # noqa: T201
        elif content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return 1 if check and changes else 0


if __name__ == "__main__":
    sys.exit(main())
