"""Counts the tokens of a stream for which neither provider nor LiteLLM said how many there were."""

from __future__ import annotations

import sys
from typing import Any

from litellm_otel.model import Attempt
from litellm_otel.reading.chunks import text_of_chunks


def estimate_tokens(attempt: Attempt) -> None:
    """Set the tokens from what was asked and seen, with LiteLLM's tokenizer for the model."""
    litellm = sys.modules.get("litellm")
    text = text_of_chunks(attempt.seen)
    if litellm is None or not text:
        return
    usage = attempt.usage
    usage.estimated = True
    usage.output_tokens = int(litellm.token_counter(model=attempt.model, text=text))
    if usage.input_tokens is None and attempt.asked:
        usage.input_tokens = _count(litellm, attempt.model, attempt.asked)
    usage.total_tokens = (usage.input_tokens or 0) + usage.output_tokens


def _count(litellm: Any, model: str, asked: Any) -> int | None:
    argument = "text" if isinstance(asked, str) else "messages"
    try:
        return int(litellm.token_counter(model=model, **{argument: asked}))
    except Exception:
        return None  # not in the form of chat messages
