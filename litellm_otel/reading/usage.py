"""What a call used and what it cost, from the many shapes that providers and LiteLLM tell it in.

Input tokens include those from and to the cache, output tokens those for reasoning: as billed, and as
OpenTelemetry's conventions have it. Anthropic leaves the cache's out of its count; they are added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from litellm_otel.model import Usage
from litellm_otel.reading.shapes import count_of, field_of


def usage_of(usage: object) -> Usage | None:
    """Tokens of a chat, Responses API, Anthropic, Google, image or audio usage; ``None`` without any."""
    if usage is None:
        return None
    for field, read in _SHAPES:
        # LiteLLM fills in zeros where it knows nothing, beside what the provider said.
        if count_of(field_of(usage, field)):
            found = read(usage)
            if found.total_tokens is None:
                found.total_tokens = (found.input_tokens or 0) + (found.output_tokens or 0)
            return found
    return None


def _chat(usage: object) -> Usage:
    """LiteLLM's ``Usage``, or OpenAI's."""
    read = Usage(
        input_tokens=count_of(field_of(usage, "prompt_tokens")),
        output_tokens=count_of(field_of(usage, "completion_tokens")),
        total_tokens=count_of(field_of(usage, "total_tokens")),
    )
    _details(
        read,
        field_of(usage, "prompt_tokens_details"),
        field_of(usage, "completion_tokens_details"),
    )
    return read


def _input_and_output(usage: object) -> Usage:
    """The Responses API's, images', audio's and Anthropic's: alike but for what a cache adds."""
    read = Usage(
        input_tokens=count_of(field_of(usage, "input_tokens")),
        output_tokens=count_of(field_of(usage, "output_tokens")),
        total_tokens=count_of(field_of(usage, "total_tokens")),
    )
    for given, made in (
        ("input_tokens_details", "output_tokens_details"),
        ("input_token_details", "output_token_details"),
    ):
        _details(read, field_of(usage, given), field_of(usage, made))
    written = count_of(field_of(usage, "cache_creation_input_tokens"))
    cached = count_of(field_of(usage, "cache_read_input_tokens"))
    if written is not None or cached is not None:
        read.cache_write_input_tokens = written
        read.cache_read_input_tokens = cached
        read.input_tokens = (read.input_tokens or 0) + (written or 0) + (cached or 0)
        _by_lifetime(read, field_of(usage, "cache_creation"))
    return read


def _details(read: Usage, given: object, made: object) -> None:
    if given is not None:
        read.cache_read_input_tokens = count_of(field_of(given, "cached_tokens"))
        read.cache_write_input_tokens = count_of(field_of(given, "cache_creation_tokens"))
        read.audio_input_tokens = count_of(field_of(given, "audio_tokens"))
        read.image_input_tokens = count_of(field_of(given, "image_tokens"))
        _by_lifetime(read, field_of(given, "cache_creation_token_details"))
    if made is not None:
        read.reasoning_output_tokens = count_of(field_of(made, "reasoning_tokens"))
        read.audio_output_tokens = count_of(field_of(made, "audio_tokens"))
        read.image_output_tokens = count_of(field_of(made, "image_tokens"))


def _by_lifetime(read: Usage, written: object) -> None:
    if written is not None:
        read.cache_write_5m_input_tokens = count_of(field_of(written, "ephemeral_5m_input_tokens"))
        read.cache_write_1h_input_tokens = count_of(field_of(written, "ephemeral_1h_input_tokens"))


def _google(usage: object) -> Usage:
    """Google's ``usageMetadata``, in either spelling."""

    def count(camel: str, snake: str) -> int | None:
        found = count_of(field_of(usage, camel))
        return found if found is not None else count_of(field_of(usage, snake))

    thoughts = count("thoughtsTokenCount", "thoughts_token_count")
    made = count("candidatesTokenCount", "candidates_token_count")
    given = count("promptTokenCount", "prompt_token_count")
    total = count("totalTokenCount", "total_token_count")
    of_tools = count("toolUsePromptTokenCount", "tool_use_prompt_token_count")
    if made is not None or thoughts:
        # Some of Google's models count thoughts among what they answer, and only the total tells.
        without = (given or 0) + (of_tools or 0) + (made or 0)
        made = made if made and without == total else (made or 0) + (thoughts or 0)
    read = Usage(
        input_tokens=given,
        output_tokens=made,
        total_tokens=total,
        cache_read_input_tokens=count("cachedContentTokenCount", "cached_content_token_count"),
        reasoning_output_tokens=thoughts,
    )
    for field, suffix in (
        ("promptTokensDetails", "input_tokens"),
        ("prompt_tokens_details", "input_tokens"),
        ("candidatesTokensDetails", "output_tokens"),
        ("candidates_tokens_details", "output_tokens"),
    ):
        for detail in cast("Sequence[object]", field_of(usage, field) or ()):
            modality = field_of(detail, "modality")
            name = f"{str(getattr(modality, 'value', modality)).lower()}_{suffix}"
            tokens = field_of(detail, "tokenCount")
            if name.startswith(("audio", "image")):
                setattr(read, name, count_of(tokens or field_of(detail, "token_count")))
    return read


def _interaction(usage: object) -> Usage:
    """That of Google's interactions."""
    return Usage(
        input_tokens=count_of(field_of(usage, "total_input_tokens")),
        output_tokens=count_of(field_of(usage, "total_output_tokens")),
        total_tokens=count_of(field_of(usage, "total_tokens")),
        cache_read_input_tokens=count_of(field_of(usage, "total_cached_tokens")),
        reasoning_output_tokens=count_of(field_of(usage, "total_thought_tokens")),
    )


def _billed_total(usage: object) -> Usage:
    """A reranker's, which tells only a total."""
    return Usage(input_tokens=count_of(field_of(usage, "total_tokens")))


_SHAPES: Final[tuple[tuple[str, Callable[[object], Usage]], ...]] = (
    ("prompt_tokens", _chat),
    ("completion_tokens", _chat),
    ("input_tokens", _input_and_output),
    ("output_tokens", _input_and_output),
    ("promptTokenCount", _google),
    ("prompt_token_count", _google),
    ("candidatesTokenCount", _google),
    ("candidates_token_count", _google),
    ("total_input_tokens", _interaction),
    ("total_output_tokens", _interaction),
    ("total_tokens", _billed_total),
)
"""The field that tells a shape → how it is read; the first that counts anything."""


def usage_of_result(result: object) -> Usage | None:
    """The same from a whole response, wherever that keeps it."""
    meta = field_of(result, "meta")
    for usage in (
        field_of(result, "usage"),
        field_of(result, "usageMetadata"),
        field_of(result, "usage_metadata"),
        field_of(meta, "tokens"),
        field_of(meta, "billed_units"),
    ):
        found = usage_of(usage)
        if found is not None:
            return found
    return None


_COSTS: Final = (
    ("input_cost", "input"),
    ("output_cost", "output"),
    ("cache_read_cost", "cache_read"),
    ("cache_creation_cost", "cache_write"),
    ("reasoning_cost", "reasoning"),
    ("tool_usage_cost", "tools"),
    ("guardrail_cost", "guardrails"),
    ("discount_amount", "discount"),
    ("margin_total_amount", "margin"),
)


def cost_of(value: object) -> float | None:
    """US dollars, as LiteLLM computed them; ``None`` where it did not."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def cost_parts_of(breakdown: object) -> dict[str, float]:
    """LiteLLM's ``CostBreakdown``: US dollars by what they were for, without what is nothing."""
    if not isinstance(breakdown, Mapping):
        return {}
    given = cast("Mapping[str, Any]", breakdown)
    parts = {name: cost_of(given.get(field)) for field, name in _COSTS}
    return {name: cost for name, cost in parts.items() if cost}


def account_of(logging_obj: Any) -> tuple[Usage | None, float | None, dict[str, float]] | None:
    """Usage, cost and its parts as LiteLLM's logging knows them; ``None`` while it does not know."""
    details = logging_obj.model_call_details
    response = details.get("async_complete_streaming_response") or details.get(
        "complete_streaming_response"
    )
    payload = details.get("standard_logging_object")
    if response is None and not (payload and not logging_obj.stream):
        return None
    usage = usage_of_result(response) if response is not None else None
    cost = cost_of(details.get("response_cost"))
    if payload:
        usage = usage or usage_of(field_of(payload.get("metadata"), "usage_object"))
        cost = cost if cost is not None else cost_of(payload.get("response_cost"))
    parts = cost_parts_of(getattr(logging_obj, "cost_breakdown", None))
    return usage, cost, parts
