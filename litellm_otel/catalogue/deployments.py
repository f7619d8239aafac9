"""The metrics of deployments: how each one answers, and whether the Router still asks it."""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.labels import CLIENT, FAILURE, KEY, ORGANIZATION, TEAM
from litellm_otel.catalogue.metric import Metric, counter, gauge, seconds

_DEPLOYMENT: Final = ("litellm_model_name", "model_id", "api_base", "api_provider")
_CALLER: Final = (*KEY, *TEAM, *CLIENT)
_ASKED: Final = ("model_group", "requested_model", *_DEPLOYMENT)
_LATENCY: Final = (
    *("model_group", "end_user", *KEY, "requested_model", *TEAM, "user"),
    *("model", "model_id", "api_provider", "service_tier", *ORGANIZATION),
)
_LIMIT: Final = ("model_group", "litellm_model_name", "model_id", "api_base", "api_provider")
_HEADROOM: Final = (
    *("model_group", "api_provider", "api_base", "litellm_model_name", *KEY, "model_id"),
)

DEPLOYMENT_SUCCESSES: Final = counter(
    "litellm_deployment_success_responses",
    "{response}",
    "Attempts that the deployment answered in full.",
    *_ASKED,
    *_CALLER,
    of_callers=True,
)
DEPLOYMENT_FAILURES: Final = counter(
    "litellm_deployment_failure_responses",
    "{response}",
    "Attempts that the deployment failed, each retry and fallback by itself.",
    *_ASKED,
    *FAILURE,
    *_CALLER,
    of_callers=True,
)
DEPLOYMENT_REQUESTS: Final = counter(
    "litellm_deployment_total_requests",
    "{request}",
    "Attempts at the deployment that ended in an answer or a failure.",
    *_ASKED,
    *_CALLER,
    of_callers=True,
)
API_FAILURES: Final = counter(
    "litellm_llm_api_failed_requests_metric",
    "{request}",
    "Attempts that a provider failed or refused.",
    *("end_user", *KEY, "model", *TEAM, "user", "model_id"),
    of_callers=True,
)
DEPLOYMENT_COOLDOWNS: Final = counter(
    "litellm_deployment_cooled_down",
    "{event}",
    "Times that the Router took the deployment out of rotation for a while.",
    *_DEPLOYMENT,
    "exception_status",
)
DEPLOYMENT_STATE: Final = gauge(
    "litellm_deployment_state",
    "{state}",
    "0 after an answer, 1 after a failure, 2 when taken out of rotation; as this process saw it last.",
    *_DEPLOYMENT,
)
TPM_LIMIT: Final = gauge(
    "litellm_deployment_tpm_limit",
    "{token}",
    "Tokens a minute that the deployment is configured for.",
    *_LIMIT,
)
RPM_LIMIT: Final = gauge(
    "litellm_deployment_rpm_limit",
    "{request}",
    "Requests a minute that the deployment is configured for.",
    *_LIMIT,
)
REMAINING_REQUESTS: Final = gauge(
    "litellm_remaining_requests_metric",
    "{request}",
    "Requests left before the provider's rate limit, as its answer said last; else, where the deployments "
    "have limits of their own, as the Router counts.",
    *_HEADROOM,
)
REMAINING_TOKENS: Final = gauge(
    "litellm_remaining_tokens_metric",
    "{token}",
    "Tokens left before the provider's rate limit, told likewise.",
    *_HEADROOM,
)
_FALLBACK: Final = ("requested_model", "fallback_model", *KEY, *TEAM, *FAILURE, "model_id")
SUCCESSFUL_FALLBACKS: Final = counter(
    "litellm_deployment_successful_fallbacks",
    "{fallback}",
    "Fallbacks to another model group that it answered.",
    *_FALLBACK,
)
FAILED_FALLBACKS: Final = counter(
    "litellm_deployment_failed_fallbacks",
    "{fallback}",
    "Fallbacks to another model group that failed as well.",
    *_FALLBACK,
)
LATENCY_PER_OUTPUT_TOKEN: Final = Metric(
    "litellm_deployment_latency_per_output_token",
    "histogram",
    "{second}",
    "Seconds of an attempt for each output token; of a stream, seconds to its first chunk.",
    ("model_group", *_DEPLOYMENT, *KEY, *TEAM, *ORGANIZATION),
    "litellm_deployment_latency_per_output_token",
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    of_callers=True,
)
API_LATENCY: Final = seconds(
    "litellm_llm_api_latency_metric",
    "Seconds that a deployment took to answer in full, from the call to the last chunk.",
    *_LATENCY,
    of_callers=True,
)
TOTAL_LATENCY: Final = seconds(
    "litellm_request_total_latency_metric",
    "Seconds from a client's request to the last byte of its answer, where it was answered in full.",
    *_LATENCY,
    of_callers=True,
)
TIME_TO_FIRST_TOKEN: Final = seconds(
    "litellm_llm_api_time_to_first_token_metric",
    "Seconds from a streamed call of a deployment to its first chunk.",
    *_LATENCY,
    of_callers=True,
)
_OVERHEAD: Final = _HEADROOM
OVERHEAD: Final = seconds(
    "litellm_overhead_latency_metric",
    "Seconds that LiteLLM added to the provider's, as LiteLLM measured them.",
    *_OVERHEAD,
    of_callers=True,
)
OVERHEAD_WITH_GUARDRAILS: Final = seconds(
    "litellm_overhead_with_guardrails_latency_metric",
    "The same with the guardrails before and after the call.",
    *_OVERHEAD,
    of_callers=True,
)
QUEUE_TIME: Final = seconds(
    "litellm_request_queue_time_seconds",
    "Seconds from a request's arrival until the proxy began to work on it.",
    *("end_user", *KEY, "requested_model", *TEAM, "user", "model", "model_id", "api_provider"),
    *ORGANIZATION,
    of_callers=True,
)
DEPLOYMENTS: Final = (
    DEPLOYMENT_SUCCESSES,
    DEPLOYMENT_FAILURES,
    DEPLOYMENT_REQUESTS,
    API_FAILURES,
    DEPLOYMENT_COOLDOWNS,
    DEPLOYMENT_STATE,
    TPM_LIMIT,
    RPM_LIMIT,
    REMAINING_REQUESTS,
    REMAINING_TOKENS,
    SUCCESSFUL_FALLBACKS,
    FAILED_FALLBACKS,
    LATENCY_PER_OUTPUT_TOKEN,
    API_LATENCY,
    TOTAL_LATENCY,
    TIME_TO_FIRST_TOKEN,
    OVERHEAD,
    OVERHEAD_WITH_GUARDRAILS,
    QUEUE_TIME,
)
