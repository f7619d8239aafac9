"""Prometheus durations: one place that says what a valid one looks like."""

from __future__ import annotations

import re

DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {
    "ms": 0.001,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 7 * 86400,
    "y": 365 * 86400,
}


def seconds(name: str, value: str) -> float:
    """Return how long `value` is; a malformed one is an error that names the setting."""
    if not re.fullmatch(DURATION, value):
        raise ValueError(
            f"{name}: {value!r} is not a duration; write a number and a unit, such as 15s or 5m"
        )
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(value))
