"""Datadog's tables of its LiteLLM integration, as the collector has them."""

from __future__ import annotations

import csv
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "collector" / "datadog"
NAMES = FOLDER / "names.csv"


def rows(file: str) -> list[dict[str, str]]:
    """``names.csv``: LiteLLM's names and Datadog's; ``metrics.csv``: Datadog's, with types and units."""
    with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
