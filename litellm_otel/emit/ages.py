"""When each series of a gauge was told of last: of several processes, the last to be told knows best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

Age: TypeAlias = "tuple[Mapping[str, str], float]"
"""A series' labels, and ``time.monotonic()`` when it was told of."""

_told: Final[dict[str, Callable[[], Iterable[Age]]]] = {}


def told_by(metric: str, ages: Callable[[], Iterable[Age]]) -> None:
    """Have this asked about the metric, named as over OTLP."""
    _told[metric] = ages


def of(metric: str) -> Iterable[Age]:
    """What is known of the metric's series; nothing where nobody says it."""
    ages = _told.get(metric)
    return ages() if ages is not None else ()
