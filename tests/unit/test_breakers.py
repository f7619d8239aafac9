"""Redis' circuit breakers by their state, as either of LiteLLM's ways to tell of them has it."""

from __future__ import annotations

import sys
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING

from litellm_otel import catalogue
from litellm_otel.reading import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from litellm_otel.model import Measurement


def states(told: Iterable[Measurement]) -> dict[str | None, float | None]:
    return {
        each.labels["state"]: each.value
        for each in told
        if each.metric == catalogue.BREAKER_STATE.name
    }


def test_what_the_last_of_them_has_left_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    redis = SimpleNamespace(redis_breaker_state_counts=lambda: {"open": 1})
    monkeypatch.setitem(sys.modules, "litellm.caching.redis_cache", redis)
    told = numbers.redis_breaker({"transitions_to": "open", "failure_class": "timeout"})
    assert states(told) == {"closed": 0, "open": 1, "half_open": 0}
    assert [each.metric for each in told[3:]] == [
        catalogue.BREAKER_TRANSITIONS.name,
        catalogue.BREAKER_FAILURES.name,
    ]


def test_counted_from_what_becomes_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "_breakers_told", Counter())
    for _ in range(2):
        numbers.breaker_state({"old_state": None, "new_state": "closed"})
    told = numbers.breaker_state({"old_state": "closed", "new_state": "open"})
    assert states(told) == {"closed": 1, "open": 1, "half_open": 0}
