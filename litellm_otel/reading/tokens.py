"""Counts the tokens of a stream that ended before the provider said how many there were."""

from __future__ import annotations

import sys

from litellm_otel.model import Attempt
from litellm_otel.reading.responses import text_of_chunks


def estimate_tokens(attempt: Attempt) -> None:
    """Set the output tokens from the text seen so far, with LiteLLM's tokenizer for the model."""
    litellm = sys.modules.get("litellm")
    text = text_of_chunks(attempt.seen)
    if litellm is None or not text:
        return
    attempt.usage.output_tokens = int(litellm.token_counter(model=attempt.model, text=text))
    attempt.usage.estimated = True
