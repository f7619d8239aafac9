"""The metrics of requests, attempts and tokens, and those of litellm-otel itself."""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.metric import Metric

_GEN_AI_DURATION_BUCKETS: Final = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
_GEN_AI_TOKEN_BUCKETS: Final = tuple(float(4**power) for power in range(14))
_COST_BUCKETS: Final = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_LATENCY_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 7.5),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)

_GEN_AI_ATTRIBUTES: Final = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
)
REQUESTS: Final = Metric(
    "litellm.requests",
    "counter",
    "{request}",
    "Requests that clients made: one per HTTP request to an LLM route of the proxy, or per outermost "
    "SDK or Router call, however many attempts it took.",
    ("model", "provider", "status"),
    "litellm_requests_total",
)
REQUEST_LATENCY: Final = Metric(
    "litellm.request.latency",
    "histogram",
    "s",
    "Time from a client's request to the last byte of its answer, retries and fallbacks included.",
    ("model", "provider", "status"),
    "litellm_request_latency_seconds",
    _LATENCY_BUCKETS,
)
IN_FLIGHT: Final = Metric(
    "litellm_in_flight_requests",
    "updowncounter",
    "{request}",
    "Requests under way in this process. Sent by every process of the proxy, so its presence shows "
    "that one lives.",
    (),
    "litellm_in_flight_requests",
)
PROVIDER_ERRORS: Final = Metric(
    "litellm.provider.errors",
    "counter",
    "{error}",
    "Attempts that failed, by why: rate_limit, quota, auth, timeout, connection, server, bad_request, "
    "other. Retried and fallen-back ones count too.",
    ("model", "provider", "kind"),
    "litellm_provider_errors_total",
)
SERIES_DROPPED: Final = Metric(
    "litellm_otel.metrics.overflowed",
    "counter",
    "{measurement}",
    "Measurements that went to a metric's overflow series because the metric had reached its cap.",
    ("metric",),
    "litellm_otel_metrics_overflowed_total",
)
HOOKS: Final = Metric(
    "litellm_otel.hooks",
    "gauge",
    "{hook}",
    "1 per hook into LiteLLM, by its state: in force, waiting (its module is not imported), absent (as in "
    "some LiteLLM versions), missing, failed.",
    ("hook", "state"),
    "litellm_otel_hooks",
)
OPERATION_DURATION: Final = Metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "Duration of one attempt, to the end of its stream.",
    (*_GEN_AI_ATTRIBUTES, "error.type"),
    "gen_ai_client_operation_duration_seconds",
    _GEN_AI_DURATION_BUCKETS,
)
TOKEN_USAGE: Final = Metric(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "Tokens of one attempt, input and output apart.",
    (*_GEN_AI_ATTRIBUTES, "gen_ai.token.type"),
    "gen_ai_client_token_usage",
    _GEN_AI_TOKEN_BUCKETS,
)
TIME_TO_FIRST_CHUNK: Final = Metric(
    "gen_ai.client.operation.time_to_first_chunk",
    "histogram",
    "s",
    "Time from the start of a streamed attempt to its first chunk.",
    _GEN_AI_ATTRIBUTES,
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    _GEN_AI_DURATION_BUCKETS,
)
TIME_PER_OUTPUT_CHUNK: Final = Metric(
    "gen_ai.client.operation.time_per_output_chunk",
    "histogram",
    "s",
    "Mean time between two chunks of a streamed attempt.",
    _GEN_AI_ATTRIBUTES,
    "gen_ai_client_operation_time_per_output_chunk_seconds",
    _GEN_AI_DURATION_BUCKETS,
)
# The names below are those of LiteLLM's own OpenTelemetry integration, for which dashboards exist.
COST: Final = Metric(
    "gen_ai.usage.cost",
    "histogram",
    "USD",
    "US dollars that one attempt cost, as LiteLLM computed them; free ones are not counted.",
    _GEN_AI_ATTRIBUTES,
    "gen_ai_usage_cost_USD",
    _COST_BUCKETS,
)
TIME_TO_FIRST_TOKEN_SEEN: Final = Metric(
    "gen_ai.server.time_to_first_token",
    "histogram",
    "s",
    "The same as `gen_ai.client.operation.time_to_first_chunk`.",
    _GEN_AI_ATTRIBUTES,
    "gen_ai_server_time_to_first_token_seconds",
    _GEN_AI_DURATION_BUCKETS,
)
RESPONSE_DURATION: Final = Metric(
    "gen_ai.client.response.duration",
    "histogram",
    "s",
    "Duration of one attempt that was answered in full.",
    _GEN_AI_ATTRIBUTES,
    "gen_ai_client_response_duration_seconds",
    _GEN_AI_DURATION_BUCKETS,
)
CALLS: Final = (
    REQUESTS,
    REQUEST_LATENCY,
    IN_FLIGHT,
    PROVIDER_ERRORS,
    OPERATION_DURATION,
    TOKEN_USAGE,
    TIME_TO_FIRST_CHUNK,
    TIME_PER_OUTPUT_CHUNK,
    COST,
    TIME_TO_FIRST_TOKEN_SEEN,
    RESPONSE_DURATION,
)
ITSELF: Final = (SERIES_DROPPED, HOOKS)
