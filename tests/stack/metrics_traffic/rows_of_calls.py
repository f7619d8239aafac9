"""The metrics of the proxy, of usage and of deployments: what requests have to make of them."""

from __future__ import annotations

from litellm_otel import catalogue
from stack.standins.openai_api import REQUESTS_LIMIT, TOKENS_LIMIT
from tests.stack.metrics_traffic.row import ADA, FAILING, FAST, Facts, Row, caller, deployment
from tests.stack.metrics_traffic.site import ADMITTED, QUEUED, RPM, TOOL_COST, TPM
from tests.stack.metrics_traffic.traffic import IMAGES, SECONDS_OF_VIDEO, TOOL_CALLS, Traffic

CLAUDE: Facts = {**ADA, **deployment("claude", "claude-sonnet-4-5", "anthropic")}
HEARS: Facts = {**ADA, **deployment("hears", "gpt-4o-audio-preview")}
THINKS: Facts = {**ADA, **deployment("thinks", "o3-mini")}
DRAWS: Facts = {**ADA, **deployment("draws", "gpt-image-1")}
FILMS: Facts = {**ADA, **deployment("films", "sora-2")}
FREE: Facts = {**ADA, **deployment("free", "tts-1"), "reason": "missing_pricing_key"}
IVY: Facts = {**caller("ivy"), **deployment("fast", "gpt-4o")}
COOLS: Facts = {**ADA, **deployment("cools", "gpt-4o@bad-key"), "exception_status": "401"}
FELL: Facts = {
    **ADA,
    "exception_status": "503",
    "exception_class": "Openai.ServiceUnavailableError",
}
TOOL: Facts = {**ADA, "mcp_tool_name": "add", "mcp_server_name": "calculator"}
NOT_OF_IVY = ("team", "team_alias", "end_user")
WATCHED: Facts = {"guardrail_name": "watches", "status": "success", "hook_type": "pre_call"}
REFUSED: Facts = {"guardrail_name": "refuses", "hook_type": "pre_call"}


def asked_fast(traffic: Traffic) -> float:
    return traffic.count("fast")


def streamed(traffic: Traffic) -> float:
    return sum(asked.stream for asked in traffic.of("fast"))


def whole_by_fast(traffic: Traffic) -> float:
    """Those that fell back to it are its as well."""
    return sum(not asked.stream for asked in traffic.of("fast")) + traffic.count("falls-back")


def answered_by_fast(traffic: Traffic) -> float:
    return traffic.count("fast") + traffic.count("falls-back")


PROXY = (
    Row(catalogue.PROXY_REQUESTS, asked_fast, {**FAST, "status_code": "200"}),
    Row(catalogue.PROXY_FAILURES, lambda t: t.count("failing", status=500), FAILING),
    Row(catalogue.GUARDRAIL_REQUESTS, lambda t: t.count("fast", "gus", status=200), WATCHED),
    Row(
        catalogue.GUARDRAIL_ERRORS,
        lambda t: t.count("fast", "gus", status=400),
        {**REFUSED, "error_type": "HTTPException"},
    ),
    Row(
        catalogue.GUARDRAIL_LATENCY,
        lambda t: t.count("fast", "gus", status=200),
        {**WATCHED, "error_type": "none"},
    ),
    Row(catalogue.ADMITTED, lambda _: ADMITTED, held=True),
    Row(catalogue.QUEUED, lambda _: QUEUED, held=True),
    Row(
        catalogue.TURNED_AWAY,
        lambda t: t.count("fast", "bob", status=503),
        {"reason": "queue_full"},
    ),
    Row(
        catalogue.CALLBACK_FAILURES,
        lambda t: t.count("fast", "kim", status=200),
        {"callback_name": "FailsToLog"},
    ),
    Row(catalogue.IN_FLIGHT, lambda _: ADMITTED + QUEUED, held=True),
)
USAGE = (
    Row(catalogue.INPUT_TOKENS, lambda t: t.used("fast", "prompt_tokens"), FAST),
    Row(catalogue.OUTPUT_TOKENS, lambda t: t.used("fast", "completion_tokens"), FAST),
    Row(catalogue.TOTAL_TOKENS, lambda t: t.used("fast", "total_tokens"), FAST),
    Row(catalogue.SPEND, lambda t: t.cost("fast"), FAST, tolerance=1e-9),
    Row(catalogue.SUCCESSES, asked_fast, FAST),
    Row(
        catalogue.INPUT_CACHED_TOKENS,
        lambda t: t.used("claude", "prompt_tokens_details", "cached_tokens"),
        CLAUDE,
    ),
    Row(
        catalogue.INPUT_CACHE_CREATION_TOKENS,
        lambda t: t.used("claude", "prompt_tokens_details", "cache_write_tokens"),
        CLAUDE,
    ),
    Row(
        catalogue.INPUT_AUDIO_TOKENS,
        lambda t: t.used("hears", "prompt_tokens_details", "audio_tokens"),
        HEARS,
    ),
    Row(
        catalogue.OUTPUT_REASONING_TOKENS,
        lambda t: t.used("thinks", "completion_tokens_details", "reasoning_tokens"),
        THINKS,
    ),
    Row(
        catalogue.OUTPUT_AUDIO_TOKENS,
        lambda t: t.used("hears", "completion_tokens_details", "audio_tokens"),
        HEARS,
    ),
    Row(catalogue.VIDEO_SECONDS, lambda _: SECONDS_OF_VIDEO, FILMS),
    Row(catalogue.IMAGES, lambda _: IMAGES, DRAWS),
    Row(catalogue.CACHE_HITS, lambda t: len(t.repeated("fast", "ivy")), IVY, NOT_OF_IVY),
    Row(
        catalogue.CACHED_TOKENS,
        lambda t: sum(asked.usage["total_tokens"] for asked in t.repeated("fast", "ivy")),
        IVY,
        NOT_OF_IVY,
    ),
    # LiteLLM says of streams alone that they were not in its cache.
    Row(catalogue.CACHE_MISSES, streamed, FAST),
    Row(
        catalogue.PROVIDER_CACHE_READ_TOKENS,
        lambda t: t.used("claude", "prompt_tokens_details", "cached_tokens"),
        CLAUDE,
    ),
    Row(
        catalogue.PROVIDER_CACHE_CREATION_TOKENS,
        lambda t: t.used("claude", "prompt_tokens_details", "cache_write_tokens"),
        CLAUDE,
    ),
    Row(catalogue.ZERO_COST, lambda t: t.count("free"), FREE),
    Row(catalogue.MCP_TOOL_CALLS, lambda _: TOOL_CALLS, TOOL, ("end_user",)),
    Row(catalogue.MCP_TOOL_SPEND, lambda _: TOOL_CALLS * TOOL_COST, TOOL, ("end_user",)),
)
DEPLOYMENTS = (
    Row(catalogue.DEPLOYMENT_SUCCESSES, asked_fast, FAST),
    Row(catalogue.DEPLOYMENT_FAILURES, lambda t: t.count("failing"), FAILING),
    Row(catalogue.DEPLOYMENT_REQUESTS, asked_fast, FAST),
    # Without the group that was asked for it has those too that fell back to it.
    Row(catalogue.API_FAILURES, lambda t: t.count("failing") + t.count("falls-far"), FAILING),
    Row(catalogue.DEPLOYMENT_COOLDOWNS, lambda t: t.count("cools", status=401), COOLS),
    Row(catalogue.DEPLOYMENT_STATE, lambda _: 2, COOLS),
    Row(catalogue.TPM_LIMIT, lambda _: TPM, FAST),
    Row(catalogue.RPM_LIMIT, lambda _: RPM, FAST),
    Row(catalogue.REMAINING_REQUESTS, lambda _: REQUESTS_LIMIT - 1, FAST),
    Row(
        catalogue.REMAINING_TOKENS,
        lambda t: TOKENS_LIMIT - t.of("falls-back")[-1].usage["total_tokens"],
        FAST,
    ),
    Row(
        catalogue.SUCCESSFUL_FALLBACKS,
        lambda t: t.count("falls-back"),
        {**FELL, "requested_model": "falls-back", "fallback_model": "fast"},
        ("model_id",),
    ),
    Row(
        catalogue.FAILED_FALLBACKS,
        lambda t: t.count("falls-far"),
        {**FELL, "requested_model": "falls-far", "fallback_model": "failing"},
        ("model_id",),
    ),
    Row(catalogue.LATENCY_PER_OUTPUT_TOKEN, answered_by_fast, FAST),
    Row(catalogue.API_LATENCY, asked_fast, FAST),
    Row(catalogue.TOTAL_LATENCY, asked_fast, FAST),
    Row(catalogue.TIME_TO_FIRST_TOKEN, streamed, FAST),
    # LiteLLM measures it of whole answers.
    Row(catalogue.OVERHEAD, whole_by_fast, FAST),
    Row(catalogue.OVERHEAD_WITH_GUARDRAILS, whole_by_fast, FAST),
    # LiteLLM takes the group that answered for the one asked for.
    Row(catalogue.QUEUE_TIME, answered_by_fast, FAST),
)
