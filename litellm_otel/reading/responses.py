"""A response object, a stream's chunk or LiteLLM's logging payload → response, usage and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from litellm_otel.model import Response, Usage


def _get(value: object, name: str) -> Any:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value).get(name)
    return getattr(value, name, None)


def _count(value: object) -> int | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    return None


def usage_of(usage: object) -> Usage | None:
    """LiteLLM's ``Usage``, or a mapping of the same names; ``None`` where there is none."""
    if usage is None:
        return None
    read = Usage(
        input_tokens=_count(_get(usage, "prompt_tokens")),
        output_tokens=_count(_get(usage, "completion_tokens")),
        total_tokens=_count(_get(usage, "total_tokens")),
    )
    given = _get(usage, "prompt_tokens_details")
    if given is not None:
        read.cache_read_input_tokens = _count(_get(given, "cached_tokens"))
        read.cache_write_input_tokens = _count(_get(given, "cache_creation_tokens"))
    made = _get(usage, "completion_tokens_details")
    if made is not None:
        read.reasoning_output_tokens = _count(_get(made, "reasoning_tokens"))
    if read.input_tokens is None and read.output_tokens is None:
        return None
    return read


def hidden_params_of(result: object) -> Mapping[str, Any]:
    """LiteLLM's own annotations of a response; empty where it has none."""
    hidden = getattr(result, "_hidden_params", None)
    if isinstance(hidden, dict):
        return cast("Mapping[str, Any]", hidden)
    dump = getattr(hidden, "model_dump", None)
    return cast("Mapping[str, Any]", dump()) if callable(dump) else {}


def cost_of(hidden: Mapping[str, Any]) -> float | None:
    """US dollars, as LiteLLM computed them; ``None`` where it did not."""
    cost = hidden.get("response_cost")
    return float(cost) if isinstance(cost, (int, float)) and not isinstance(cost, bool) else None


def _id_and_model(result: object) -> Response:
    identifier, model = _get(result, "id"), _get(result, "model")
    return Response(
        id=identifier if isinstance(identifier, str) else None,
        model=model if isinstance(model, str) and model else None,
    )


def response_of(result: object) -> Response:
    """Id, model and finish reasons of a whole response."""
    response = _id_and_model(result)
    choices = _get(result, "choices")
    if isinstance(choices, Sequence) and not isinstance(choices, str):
        response.finish_reasons = tuple(
            _get(choice, "finish_reason") or "error" for choice in cast("Sequence[object]", choices)
        )
    return response


def streamed_response(chunks: Sequence[object]) -> tuple[Response, Usage | None]:
    """The same, and the usage the provider sent, of the chunks of a stream."""
    if not chunks:
        return Response(), None
    response = _id_and_model(chunks[0])
    reasons: dict[int, str] = {}
    usage: Usage | None = None
    for chunk in chunks:
        for choice in cast("Sequence[object]", _get(chunk, "choices") or ()):
            index, reason = _count(_get(choice, "index")) or 0, _get(choice, "finish_reason")
            if isinstance(reason, str):
                reasons[index] = reason
            else:
                reasons.setdefault(index, "error")
        sent = _get(chunk, "usage")
        if sent is not None:
            usage = usage_of(sent) or usage
    response.finish_reasons = tuple(reasons[index] for index in sorted(reasons))
    return response, usage


def text_of_chunks(chunks: Sequence[object]) -> str:
    """What the chunks say, to count tokens where the provider sent no count."""
    pieces: list[str] = []
    for chunk in chunks:
        for choice in cast("Sequence[object]", _get(chunk, "choices") or ()):
            delta = _get(choice, "delta")
            said = [_get(delta, "content"), _get(delta, "reasoning_content")]
            if delta is None:
                said = [_get(choice, "text")]
            pieces.extend(text for text in said if isinstance(text, str))
    return "".join(pieces)
