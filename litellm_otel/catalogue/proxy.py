"""The metrics of the proxy itself: its requests by caller and status, its guardrails, its admission."""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.labels import CLIENT, FAILURE, KEY, ORGANIZATION, TEAM
from litellm_otel.catalogue.metric import counter, gauge, seconds

_CALLER: Final = ("end_user", *KEY, "requested_model", *TEAM, "user")
_WHERE: Final = ("route", *CLIENT, "model_id", "api_provider", *ORGANIZATION)

PROXY_REQUESTS: Final = counter(
    "litellm_proxy_total_requests_metric",
    "{request}",
    "Requests to the proxy's LLM routes, by who asked and the status they got.",
    *_CALLER,
    "status_code",
    "user_email",
    *_WHERE,
    of_callers=True,
)
PROXY_FAILURES: Final = counter(
    "litellm_proxy_failed_requests_metric",
    "{request}",
    "Those that failed or were refused, whoever's fault it was.",
    *_CALLER,
    "user_email",
    *FAILURE,
    *_WHERE,
    of_callers=True,
)
_GUARDRAIL: Final = ("guardrail_name", "status", "hook_type")
GUARDRAIL_REQUESTS: Final = counter(
    "litellm_guardrail_requests",
    "{request}",
    "Runs of a guardrail: `status` success, intervened or error.",
    *_GUARDRAIL,
)
GUARDRAIL_ERRORS: Final = counter(
    "litellm_guardrail_errors",
    "{error}",
    "Runs of a guardrail that broke, by the error's class.",
    "guardrail_name",
    "error_type",
    "hook_type",
)
GUARDRAIL_LATENCY: Final = seconds(
    "litellm_guardrail_latency_seconds",
    "Seconds that a guardrail took.",
    "guardrail_name",
    "status",
    "error_type",
    "hook_type",
)
ADMITTED: Final = gauge(
    "litellm_admission_admitted_requests",
    "{request}",
    "Requests that admission control has let in and that are not answered yet.",
    workers="sum",
)
QUEUED: Final = gauge(
    "litellm_admission_queued_requests",
    "{request}",
    "Requests that wait to be let in.",
    workers="sum",
)
TURNED_AWAY: Final = counter(
    "litellm_admission_rejected_requests",
    "{request}",
    "Requests that admission control turned away, by why.",
    "reason",
)
CALLBACK_FAILURES: Final = counter(
    "litellm_callback_logging_failures_metric",
    "{failure}",
    "Failures of LiteLLM's logging callbacks to log.",
    "callback_name",
)
PROXY: Final = (
    PROXY_REQUESTS,
    PROXY_FAILURES,
    GUARDRAIL_REQUESTS,
    GUARDRAIL_ERRORS,
    GUARDRAIL_LATENCY,
    ADMITTED,
    QUEUED,
    TURNED_AWAY,
    CALLBACK_FAILURES,
)
