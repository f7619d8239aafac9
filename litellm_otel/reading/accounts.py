"""What a stream cost of which LiteLLM tells nobody: it logs only once for calls that share a logging object."""

from __future__ import annotations

import copy
import sys
from typing import Any

from litellm_otel.reading.usage import cost_of, cost_parts_of


def cost_of_stream(stream: Any) -> tuple[float | None, dict[str, float]]:
    """The cost of a stream that was read to its end, and its parts, as LiteLLM computes them."""
    whole = _whole(stream)
    # It notes in itself how it came to the cost: the one that is shared is left as it is.
    logging_obj: Any = copy.copy(stream.logging_obj)
    logging_obj.cost_breakdown = None
    calculate = getattr(logging_obj, "response_cost_calculator", None) or getattr(
        logging_obj, "_response_cost_calculator", None
    )
    if whole is None or calculate is None:
        return None, {}
    return cost_of(calculate(result=whole)), cost_parts_of(logging_obj.cost_breakdown)


def _whole(stream: Any) -> Any:
    """What the stream comes to: the Responses API says it at the end, a chat has to be put together."""
    completed = getattr(stream, "completed_response", None)
    if completed is not None:
        return getattr(completed, "response", None)
    build = getattr(sys.modules.get("litellm"), "stream_chunk_builder", None)
    chunks = getattr(stream, "chunks", None)
    return build(chunks=list(chunks)) if build is not None and chunks else None
