"""Marks the context of an attempt, so that instrumentations of provider SDKs make no second span in it.

An OpenAI client that LiteLLM calls may be instrumented as well, for the program's own use of it. Within an
attempt its spans and token counts would be ours once more. Each family of instrumentations has its own way
to be told; HTTP clients, which have something to add, heed none of them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

if TYPE_CHECKING:
    from types import ModuleType

_OURS: Final = "litellm_otel.attempt"
_GENAI: Final = "opentelemetry.util.genai.invocation"
_OPENLLMETRY: Final = "opentelemetry.semconv_ai"
_OPENINFERENCE: Final = "openinference.instrumentation"
_GENAI_OPERATIONS: Final = ("Inference", "Embedding", "Retrieval", "FetchResponse")


def marked(context: Context) -> Context:
    """`context`, for the time of an attempt; itself where nobody is there to heed a mark."""
    modules = sys.modules
    marks: dict[str, Any] = {}
    if (genai := modules.get(_GENAI)) is not None:
        marks.update(_genai_marks(genai))
    if (semconv := modules.get(_OPENLLMETRY)) is not None:
        key = getattr(semconv, "SUPPRESS_LANGUAGE_MODEL_INSTRUMENTATION_KEY", None)
        if key is not None:
            marks[key] = True
    if _OPENINFERENCE in modules:
        marks[_OURS] = True
    return Context({**context, **marks}) if marks else context


def within_attempt() -> bool:
    """Whether the current context is that of an attempt."""
    return otel_context.get_value(_OURS) is True


def _genai_marks(genai: ModuleType) -> dict[str, Any]:
    """What an outer invocation of OpenTelemetry's GenAI package leaves for those within it."""
    marks: dict[str, Any] = {}
    for operation in _GENAI_OPERATIONS:
        key = _constant(genai, operation)
        data = getattr(genai, f"{operation}Data", None)
        if key is not None and data is not None:
            # A new one each time: what is suppressed within the attempt is written into it.
            marks[key] = data()
    return marks


def _constant(genai: ModuleType, operation: str) -> str | None:
    name = {"FetchResponse": "FETCH_RESPONSE"}.get(operation, operation.upper())
    return getattr(genai, f"CLIENT_{name}_CONTEXT_KEY", None)
