"""The metrics of what calls used and cost, by who pays for it."""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.metric import Metric

_SPENDER: Final = (
    "model",
    "api_provider",
    "requested_model",
    "model_id",
    "hashed_api_key",
    "api_key_alias",
    "team",
    "team_alias",
    "user",
    "org_id",
    "org_alias",
)
"""Of LiteLLM's labels those that say who spent what where."""


def _counter(name: str, unit: str, description: str) -> Metric:
    return Metric(name, "counter", unit, description, _SPENDER, f"{name}_total")


INPUT_TOKENS: Final = _counter(
    "litellm_input_tokens_metric", "{token}", "Tokens sent to providers, cached ones included."
)
OUTPUT_TOKENS: Final = _counter(
    "litellm_output_tokens_metric",
    "{token}",
    "Tokens that providers generated, reasoning included.",
)
TOTAL_TOKENS: Final = _counter(
    "litellm_total_tokens_metric", "{token}", "Input and output tokens together."
)
SPEND: Final = _counter(
    "litellm_spend_metric", "{USD}", "US dollars spent at providers, as LiteLLM computed them."
)
SUCCESSES: Final = _counter(
    "litellm_requests_metric", "{request}", "Calls that a provider or a cache answered in full."
)
INPUT_CACHED_TOKENS: Final = _counter(
    "litellm_input_cached_tokens_metric",
    "{token}",
    "Input tokens that the provider had in its cache.",
)
INPUT_CACHE_CREATION_TOKENS: Final = _counter(
    "litellm_input_cache_creation_tokens_metric",
    "{token}",
    "Input tokens that the provider wrote to its cache.",
)
INPUT_AUDIO_TOKENS: Final = _counter(
    "litellm_input_audio_tokens_metric", "{token}", "Input tokens that were audio."
)
OUTPUT_REASONING_TOKENS: Final = _counter(
    "litellm_output_reasoning_tokens_metric",
    "{token}",
    "Output tokens that the model spent on reasoning.",
)
OUTPUT_AUDIO_TOKENS: Final = _counter(
    "litellm_output_audio_tokens_metric", "{token}", "Output tokens that were audio."
)
VIDEO_SECONDS: Final = _counter(
    "litellm_video_duration_seconds_metric", "{second}", "Seconds of video that were made."
)
IMAGES: Final = _counter("litellm_images_generated_metric", "{image}", "Images that were made.")
CACHE_HITS: Final = _counter(
    "litellm_cache_hits_metric", "{request}", "Calls that LiteLLM answered from its own cache."
)
CACHED_TOKENS: Final = _counter(
    "litellm_cached_tokens_metric",
    "{token}",
    "Tokens of calls that LiteLLM answered from its own cache: not paid for.",
)
PROVIDER_CACHE_READ_TOKENS: Final = _counter(
    "litellm_provider_cache_read_input_tokens_metric",
    "{token}",
    "Input tokens read from the provider's prompt cache.",
)
PROVIDER_CACHE_CREATION_TOKENS: Final = _counter(
    "litellm_provider_cache_creation_input_tokens_metric",
    "{token}",
    "Input tokens written to the provider's prompt cache.",
)
