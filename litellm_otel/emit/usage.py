"""Attempts → what was used and what it cost, each once, when everything that will be known of it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litellm_otel import catalogue
from litellm_otel.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.catalogue import Metric
    from litellm_otel.model import Attempt


def _total(attempt: Attempt) -> float:
    usage = attempt.usage
    if usage.total_tokens is not None:
        return usage.total_tokens
    return (usage.input_tokens or 0) + (usage.output_tokens or 0)


MEASURES: Final[tuple[tuple[Metric, Callable[[Attempt], float | None]], ...]] = (
    (catalogue.SPEND, lambda attempt: attempt.cost),
    (catalogue.INPUT_TOKENS, lambda attempt: attempt.usage.input_tokens),
    (catalogue.OUTPUT_TOKENS, lambda attempt: attempt.usage.output_tokens),
    (catalogue.TOTAL_TOKENS, _total),
    (catalogue.SUCCESSES, lambda attempt: attempt.outcome == Outcome.COMPLETED),
    (catalogue.INPUT_CACHED_TOKENS, lambda attempt: attempt.usage.cache_read_input_tokens),
    (
        catalogue.INPUT_CACHE_CREATION_TOKENS,
        lambda attempt: attempt.usage.cache_write_input_tokens,
    ),
    (catalogue.INPUT_AUDIO_TOKENS, lambda attempt: attempt.usage.audio_input_tokens),
    (catalogue.OUTPUT_REASONING_TOKENS, lambda attempt: attempt.usage.reasoning_output_tokens),
    (catalogue.OUTPUT_AUDIO_TOKENS, lambda attempt: attempt.usage.audio_output_tokens),
    (
        catalogue.VIDEO_SECONDS,
        lambda attempt: attempt.quantity if attempt.parameters.output_type == "video" else 0,
    ),
    (catalogue.IMAGES, lambda attempt: attempt.quantity if attempt.unit == "image" else 0),
    (catalogue.CACHE_HITS, lambda attempt: attempt.cache_hit),
    (catalogue.CACHED_TOKENS, lambda attempt: _total(attempt) if attempt.cache_hit else 0),
    (catalogue.PROVIDER_CACHE_READ_TOKENS, lambda attempt: attempt.usage.cache_read_input_tokens),
    (
        catalogue.PROVIDER_CACHE_CREATION_TOKENS,
        lambda attempt: attempt.usage.cache_write_input_tokens,
    ),
)
TOOL_MEASURES: Final[tuple[tuple[Metric, Callable[[Attempt], float | None]], ...]] = (
    (catalogue.MCP_TOOL_CALLS, lambda attempt: attempt.outcome == Outcome.COMPLETED),
    (catalogue.MCP_TOOL_SPEND, lambda attempt: attempt.cost),
)
"""What calls of MCP tools add to."""
