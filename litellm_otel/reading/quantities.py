"""How much of its unit a call used, where tokens are not the measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from litellm_otel.reading.shapes import field_of, number_of

Quantity = Callable[[Mapping[str, Any], object], float | None]
"""The call's arguments and its result → an amount, or None where it can't be told."""


def one(_: Mapping[str, Any], result: object) -> float | None:
    return None if result is None else 1


def images(_: Mapping[str, Any], result: object) -> float | None:
    """Images that came back."""
    made = field_of(result, "data")
    return len(cast("Sequence[object]", made)) if isinstance(made, (list, tuple)) else None


def seconds_heard(_: Mapping[str, Any], result: object) -> float | None:
    """Seconds of audio, where the provider or LiteLLM tells."""
    usage = field_of(result, "usage")
    hidden = field_of(result, "_hidden_params")
    for source, name in (
        (usage, "seconds"),
        (result, "duration"),
        (hidden, "audio_transcription_duration"),
    ):
        seconds = number_of(field_of(source, name))
        if seconds is not None:
            return seconds
    return None


def seconds_made(arguments: Mapping[str, Any], result: object) -> float | None:
    """Seconds of video: as billed, else as answered, else as asked for."""
    for value in (
        field_of(field_of(result, "usage"), "duration_seconds"),
        field_of(result, "seconds"),
        arguments.get("seconds"),
    ):
        seconds = number_of(value)
        if seconds is not None:
            return seconds
    return None


def characters(arguments: Mapping[str, Any], _: object) -> float | None:
    """Characters to be spoken."""
    spoken = arguments.get("input")
    return len(spoken) if isinstance(spoken, str) else None


def search_units(_: Mapping[str, Any], result: object) -> float | None:
    """A reranker's search units, where it bills them."""
    return number_of(field_of(field_of(field_of(result, "meta"), "billed_units"), "search_units"))


def queries(arguments: Mapping[str, Any], _: object) -> float | None:
    """Searches asked for: one a query."""
    query = arguments.get("query")
    if isinstance(query, str):
        return 1
    return len(cast("Sequence[object]", query)) if isinstance(query, (list, tuple)) else None


def pages(_: Mapping[str, Any], result: object) -> float | None:
    """Pages read."""
    return number_of(field_of(field_of(result, "usage_info"), "pages_processed"))
