"""The table of all metrics. Instruments, docs and tests are made from it; nothing names a metric elsewhere.

``unit`` follows UCUM, with one exception: LiteLLM's own names carry no unit suffix in Prometheus, where
a unit would become one, so theirs is given as an annotation (``{second}``, ``{USD}``), which adds none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "updowncounter", "gauge", "histogram"]

_GEN_AI_DURATION_BUCKETS: Final = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
_GEN_AI_TOKEN_BUCKETS: Final = tuple(float(4**power) for power in range(14))
_LATENCY_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 7.5),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)
_LITELLM_LATENCY_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0),
    *(10.0, 30.0, 60.0, 120.0, 300.0, 420.0, 600.0),
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it leaves the process over OTLP, and as Prometheus shows it."""

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: tuple[str, ...]
    prometheus: str
    """Its name in Prometheus; for a histogram without ``_bucket``, ``_sum`` and ``_count``."""
    buckets: tuple[float, ...] = ()


_GEN_AI_ATTRIBUTES: Final = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
)
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
INPUT_TOKENS: Final = Metric(
    "litellm_input_tokens_metric",
    "counter",
    "{token}",
    "Tokens sent to providers, cached ones included.",
    _SPENDER,
    "litellm_input_tokens_metric_total",
)
OUTPUT_TOKENS: Final = Metric(
    "litellm_output_tokens_metric",
    "counter",
    "{token}",
    "Tokens that providers generated, reasoning included.",
    _SPENDER,
    "litellm_output_tokens_metric_total",
)
TOTAL_TOKENS: Final = Metric(
    "litellm_total_tokens_metric",
    "counter",
    "{token}",
    "Input and output tokens together.",
    _SPENDER,
    "litellm_total_tokens_metric_total",
)
SPEND: Final = Metric(
    "litellm_spend_metric",
    "counter",
    "{USD}",
    "US dollars spent at providers, as LiteLLM computed them.",
    _SPENDER,
    "litellm_spend_metric_total",
)
TIME_TO_FIRST_TOKEN: Final = Metric(
    "litellm_llm_api_time_to_first_token_metric",
    "histogram",
    "{second}",
    "Seconds from a streamed call of a deployment to its first chunk.",
    ("model", "api_provider", "requested_model", "model_group", "model_id"),
    "litellm_llm_api_time_to_first_token_metric",
    _LITELLM_LATENCY_BUCKETS,
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
    "1 per hook into LiteLLM, by its state: in force, waiting (its module is not imported), missing, failed.",
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

CATALOGUE: Final[tuple[Metric, ...]] = (
    REQUESTS,
    REQUEST_LATENCY,
    IN_FLIGHT,
    PROVIDER_ERRORS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TOTAL_TOKENS,
    SPEND,
    TIME_TO_FIRST_TOKEN,
    OPERATION_DURATION,
    TOKEN_USAGE,
    TIME_TO_FIRST_CHUNK,
    TIME_PER_OUTPUT_CHUNK,
    SERIES_DROPPED,
    HOOKS,
)
