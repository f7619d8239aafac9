"""The metrics of deployments: how each one answers, and whether the Router still asks it."""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.metric import LITELLM_LATENCY_BUCKETS, Metric

_DEPLOYMENT: Final = ("litellm_model_name", "model_id", "api_base", "api_provider")
_ASKED: Final = ("model_group", "requested_model", *_DEPLOYMENT)
_LATENCY: Final = ("model_group", "model", "requested_model", "model_id", "api_provider")


def _counter(name: str, unit: str, description: str, *labels: str) -> Metric:
    return Metric(name, "counter", unit, description, labels, f"{name}_total")


DEPLOYMENT_SUCCESSES: Final = _counter(
    "litellm_deployment_success_responses",
    "{response}",
    "Attempts that the deployment answered in full.",
    *_ASKED,
)
DEPLOYMENT_FAILURES: Final = _counter(
    "litellm_deployment_failure_responses",
    "{response}",
    "Attempts that the deployment failed, each retry and fallback by itself.",
    *_ASKED,
    "exception_status",
    "exception_class",
)
DEPLOYMENT_REQUESTS: Final = _counter(
    "litellm_deployment_total_requests",
    "{request}",
    "Attempts at the deployment that ended in an answer or a failure.",
    *_ASKED,
)
DEPLOYMENT_COOLDOWNS: Final = _counter(
    "litellm_deployment_cooled_down",
    "{event}",
    "Times that the Router took the deployment out of rotation for a while.",
    *_DEPLOYMENT,
    "exception_status",
)
DEPLOYMENT_STATE: Final = Metric(
    "litellm_deployment_state",
    "gauge",
    "{state}",
    "0 after an answer, 1 after a failure, 2 when taken out of rotation; as this process saw it last.",
    _DEPLOYMENT,
    "litellm_deployment_state",
)
LATENCY_PER_OUTPUT_TOKEN: Final = Metric(
    "litellm_deployment_latency_per_output_token",
    "histogram",
    "{second}",
    "Seconds of an attempt for each output token; of a stream, seconds to its first chunk.",
    ("model_group", *_DEPLOYMENT),
    "litellm_deployment_latency_per_output_token",
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
API_LATENCY: Final = Metric(
    "litellm_llm_api_latency_metric",
    "histogram",
    "{second}",
    "Seconds that a deployment took to answer in full, from the call to the last chunk.",
    _LATENCY,
    "litellm_llm_api_latency_metric",
    LITELLM_LATENCY_BUCKETS,
)
TOTAL_LATENCY: Final = Metric(
    "litellm_request_total_latency_metric",
    "histogram",
    "{second}",
    "Seconds from a client's request to the last byte of its answer, where it was answered in full.",
    _LATENCY,
    "litellm_request_total_latency_metric",
    LITELLM_LATENCY_BUCKETS,
)
DEPLOYMENTS: Final = (
    DEPLOYMENT_SUCCESSES,
    DEPLOYMENT_FAILURES,
    DEPLOYMENT_REQUESTS,
    DEPLOYMENT_COOLDOWNS,
    DEPLOYMENT_STATE,
    LATENCY_PER_OUTPUT_TOKEN,
    API_LATENCY,
    TOTAL_LATENCY,
)
