"""The metrics of what calls used and cost, by who pays for it."""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.labels import CLIENT, KEY, ORGANIZATION, TEAM
from litellm_otel.catalogue.metric import Metric, counter

_CALLER: Final = ("end_user", *KEY, "model", *TEAM, "user", "user_email")
_ASKED: Final = ("requested_model", "model_id", "api_provider")
_TOKENS: Final = (*_CALLER, *_ASKED)
_CACHED: Final = ("model", *KEY, *TEAM, "end_user", "user", "model_id", "api_provider")


def _used(name: str, unit: str, description: str, *labels: str) -> Metric:
    return counter(name, unit, description, *labels, of_callers=True)


INPUT_TOKENS: Final = _used(
    "litellm_input_tokens_metric",
    "{token}",
    "Tokens sent to providers, cached ones included.",
    *_TOKENS,
    *ORGANIZATION,
)
OUTPUT_TOKENS: Final = _used(
    "litellm_output_tokens_metric",
    "{token}",
    "Tokens that providers generated, reasoning included.",
    *_TOKENS,
    *ORGANIZATION,
)
TOTAL_TOKENS: Final = _used(
    "litellm_total_tokens_metric",
    "{token}",
    "Input and output tokens together.",
    *_TOKENS,
    *ORGANIZATION,
)
SPEND: Final = _used(
    "litellm_spend_metric",
    "{USD}",
    "US dollars spent at providers, as LiteLLM computed them.",
    *_CALLER,
    *CLIENT,
    *_ASKED,
    "service_tier",
    *ORGANIZATION,
)
SUCCESSES: Final = _used(
    "litellm_requests_metric",
    "{request}",
    "Calls that a provider or a cache answered in full.",
    *_CALLER,
    *CLIENT,
    *_ASKED,
    *ORGANIZATION,
)
INPUT_CACHED_TOKENS: Final = _used(
    "litellm_input_cached_tokens_metric",
    "{token}",
    "Input tokens that the provider had in its cache.",
    *_TOKENS,
)
INPUT_CACHE_CREATION_TOKENS: Final = _used(
    "litellm_input_cache_creation_tokens_metric",
    "{token}",
    "Input tokens that the provider wrote to its cache.",
    *_TOKENS,
)
INPUT_AUDIO_TOKENS: Final = _used(
    "litellm_input_audio_tokens_metric", "{token}", "Input tokens that were audio.", *_TOKENS
)
OUTPUT_REASONING_TOKENS: Final = _used(
    "litellm_output_reasoning_tokens_metric",
    "{token}",
    "Output tokens that the model spent on reasoning.",
    *_TOKENS,
)
OUTPUT_AUDIO_TOKENS: Final = _used(
    "litellm_output_audio_tokens_metric", "{token}", "Output tokens that were audio.", *_TOKENS
)
VIDEO_SECONDS: Final = _used(
    "litellm_video_duration_seconds_metric",
    "{second}",
    "Seconds of video that were made.",
    *_TOKENS,
    *ORGANIZATION,
)
IMAGES: Final = _used(
    "litellm_images_generated_metric",
    "{image}",
    "Images that were made.",
    *_TOKENS,
    *ORGANIZATION,
)
CACHE_HITS: Final = _used(
    "litellm_cache_hits_metric",
    "{request}",
    "Calls that LiteLLM answered from its own cache.",
    *_CACHED,
)
CACHE_MISSES: Final = _used(
    "litellm_cache_misses_metric",
    "{request}",
    "Calls that LiteLLM looked for in its own cache and asked a provider for.",
    *_CACHED,
)
CACHED_TOKENS: Final = _used(
    "litellm_cached_tokens_metric",
    "{token}",
    "Tokens of calls that LiteLLM answered from its own cache: not paid for.",
    *_CACHED,
)
PROVIDER_CACHE_READ_TOKENS: Final = _used(
    "litellm_provider_cache_read_input_tokens_metric",
    "{token}",
    "Input tokens read from the provider's prompt cache.",
    *_CACHED,
)
PROVIDER_CACHE_CREATION_TOKENS: Final = _used(
    "litellm_provider_cache_creation_input_tokens_metric",
    "{token}",
    "Input tokens written to the provider's prompt cache.",
    *_CACHED,
)
ZERO_COST: Final = _used(
    "litellm_zero_cost_requests",
    "{request}",
    "Calls to which LiteLLM gave no cost though they had used something, by why.",
    "requested_model",
    "model",
    "model_id",
    "api_provider",
    "reason",
)
_TOOL: Final = ("mcp_tool_name", "mcp_server_name", *KEY, *TEAM, "user", "end_user")
MCP_TOOL_CALLS: Final = _used(
    "litellm_mcp_tool_calls", "{call}", "Calls of tools of MCP servers that went well.", *_TOOL
)
MCP_TOOL_SPEND: Final = _used(
    "litellm_mcp_tool_call_spend_metric",
    "{USD}",
    "US dollars that calls of MCP tools cost, as configured.",
    *_TOOL,
)
USAGE: Final = (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TOTAL_TOKENS,
    SPEND,
    SUCCESSES,
    INPUT_CACHED_TOKENS,
    INPUT_CACHE_CREATION_TOKENS,
    INPUT_AUDIO_TOKENS,
    OUTPUT_REASONING_TOKENS,
    OUTPUT_AUDIO_TOKENS,
    VIDEO_SECONDS,
    IMAGES,
    CACHE_HITS,
    CACHE_MISSES,
    CACHED_TOKENS,
    PROVIDER_CACHE_READ_TOKENS,
    PROVIDER_CACHE_CREATION_TOKENS,
    ZERO_COST,
    MCP_TOOL_CALLS,
    MCP_TOOL_SPEND,
)
