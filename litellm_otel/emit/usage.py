"""Attempts → what was used and what it cost, in one family of counters that share their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litellm_otel import catalogue
from litellm_otel.emit.cells import counters
from litellm_otel.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter

    from litellm_otel.catalogue import Metric
    from litellm_otel.model import Attempt, Usage

    Measure = Callable[[Attempt, Usage], float | None]


def _total(attempt: Attempt, usage: Usage) -> float:
    if usage.total_tokens is not None:
        return usage.total_tokens
    return (usage.input_tokens or 0) + (usage.output_tokens or 0)


MEASURES: Final[tuple[tuple[Metric, Measure], ...]] = (
    (catalogue.SPEND, lambda attempt, _: attempt.cost),
    (catalogue.INPUT_TOKENS, lambda _, usage: usage.input_tokens),
    (catalogue.OUTPUT_TOKENS, lambda _, usage: usage.output_tokens),
    (catalogue.TOTAL_TOKENS, _total),
    (catalogue.SUCCESSES, lambda attempt, _: attempt.outcome == Outcome.COMPLETED),
    (catalogue.INPUT_CACHED_TOKENS, lambda _, usage: usage.cache_read_input_tokens),
    (catalogue.INPUT_CACHE_CREATION_TOKENS, lambda _, usage: usage.cache_write_input_tokens),
    (catalogue.INPUT_AUDIO_TOKENS, lambda _, usage: usage.audio_input_tokens),
    (catalogue.OUTPUT_REASONING_TOKENS, lambda _, usage: usage.reasoning_output_tokens),
    (catalogue.OUTPUT_AUDIO_TOKENS, lambda _, usage: usage.audio_output_tokens),
    (
        catalogue.VIDEO_SECONDS,
        lambda attempt, _: attempt.quantity if attempt.parameters.output_type == "video" else 0,
    ),
    (catalogue.IMAGES, lambda attempt, _: attempt.quantity if attempt.unit == "image" else 0),
    (catalogue.CACHE_HITS, lambda attempt, _: attempt.cache_hit),
    (
        catalogue.CACHED_TOKENS,
        lambda attempt, usage: _total(attempt, usage) if attempt.cache_hit else 0,
    ),
    (catalogue.PROVIDER_CACHE_READ_TOKENS, lambda _, usage: usage.cache_read_input_tokens),
    (catalogue.PROVIDER_CACHE_CREATION_TOKENS, lambda _, usage: usage.cache_write_input_tokens),
)


class UsageCounters:
    """Counts each attempt once, when everything that will be known of it is known."""

    def __init__(self, meter: Meter, overflowed: Callable[[str], None]) -> None:
        self._sums = counters(meter, overflowed, *(metric for metric, _ in MEASURES))

    def attempt_ended(self, attempt: Attempt) -> None:
        usage = attempt.usage
        amounts = [measure(attempt, usage) or 0 for _, measure in MEASURES]
        if any(amounts):
            self._sums.add(_spender(attempt), *amounts)

    def late_cost(self, attempt: Attempt) -> None:
        """The cost of an attempt that was counted without one."""
        self._sums.add(_spender(attempt), attempt.cost or 0.0)

    def after_fork(self) -> None:
        self._sums.clear()


def _spender(attempt: Attempt) -> tuple[str | None, ...]:
    who = attempt.identity
    return (
        attempt.model,
        attempt.provider,
        attempt.call.model,
        attempt.deployment_id,
        who.key_hash,
        who.key_alias,
        who.team_id,
        who.team_alias,
        who.user_id,
        who.organization_id,
        who.organization_alias,
    )
