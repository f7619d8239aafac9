"""What LiteLLM hands to its own metrics → measurements of ours."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from litellm_otel import catalogue
from litellm_otel.model import Measurement
from litellm_otel.reading.arguments import identity_of, metadata_of
from litellm_otel.reading.failures import exception_class_of, status_code_of
from litellm_otel.reading.providers import shown_model
from litellm_otel.reading.shapes import number_of

Given = Mapping[str, Any]
"""The arguments of a function of LiteLLM's by their names, and what it was called on and returned."""
Read: TypeAlias = Callable[[Given], tuple[Measurement, ...]]
SELF: Final = "(self)"
RETURNED: Final = "(returned)"
_BREAKER_STATES: Final = ("closed", "open", "half_open")
_breakers_told: Counter[str] = Counter()
_breakers_lock = threading.Lock()


def guardrail(given: Given) -> tuple[Measurement, ...]:
    """``ProxyLogging._emit_guardrail_metrics``."""
    error = given.get("error_type")
    labels = {
        "guardrail_name": str(given["guardrail_name"]),
        "status": str(given["status"]),
        "hook_type": str(given["hook_type"]),
        "error_type": str(error or "none"),
    }
    told = (
        Measurement(catalogue.GUARDRAIL_LATENCY.name, labels, number_of(given["latency_seconds"])),
        Measurement(catalogue.GUARDRAIL_REQUESTS.name, labels),
    )
    if given["status"] == "error" and error:
        return (*told, Measurement(catalogue.GUARDRAIL_ERRORS.name, labels))
    return told


def successful_fallback(given: Given) -> tuple[Measurement, ...]:
    """``log_success_fallback_event``."""
    return _fallback(given, catalogue.SUCCESSFUL_FALLBACKS)


def failed_fallback(given: Given) -> tuple[Measurement, ...]:
    """``log_failure_fallback_event``."""
    return _fallback(given, catalogue.FAILED_FALLBACKS)


def _fallback(given: Given, metric: catalogue.Metric) -> tuple[Measurement, ...]:
    arguments: Mapping[str, Any] = given["kwargs"]
    exception = given["original_exception"]
    status = status_code_of(exception)
    labels = {
        "requested_model": shown_model(str(given["original_model_group"])),
        "fallback_model": shown_model(str(arguments.get("model"))),
        "exception_status": str(status) if status is not None else None,
        "exception_class": exception_class_of(exception),
    }
    identity = identity_of(metadata_of(arguments))
    return (Measurement(metric.name, labels, 1, identity),)


def provider_budget(given: Given) -> tuple[Measurement, ...]:
    """``RouterBudgetLimiting._track_provider_remaining_budget_prometheus``."""
    spend, limit = number_of(given["spend"]), number_of(given["budget_limit"])
    if spend is None or limit is None:
        return ()
    labels = {"api_provider": str(given["provider"])}
    return (Measurement(catalogue.PROVIDER_BUDGET.name, labels, limit - spend),)


def callback_failure(given: Given) -> tuple[Measurement, ...]:
    """``CustomLogger.handle_callback_failure``."""
    labels = {"callback_name": str(given["callback_name"])}
    return (Measurement(catalogue.CALLBACK_FAILURES.name, labels),)


def failure_of_callback(given: Given) -> tuple[Measurement, ...]:
    """``Logging._handle_callback_failure``, which is handed the callback itself."""
    logging_obj = given[SELF]
    name = logging_obj._get_callback_name(given["callback"])
    return callback_failure({"callback_name": name})


def cleaned_up(given: Given) -> tuple[Measurement, ...]:
    """``SpendLogCleanupMetrics.record_batch``."""
    labels = {"table": str(given["table_name"])}
    return (
        Measurement(catalogue.CLEANUP_ROWS_DELETED.name, labels, number_of(given["rows_deleted"])),
        Measurement(
            catalogue.CLEANUP_BATCH_DURATION.name, labels, number_of(given["duration_seconds"])
        ),
    )


def cleanup_failed(given: Given) -> tuple[Measurement, ...]:
    """``SpendLogCleanupMetrics.record_batch_failure``."""
    return (Measurement(catalogue.CLEANUP_FAILURES.name, {"table": str(given["table_name"])}),)


def left_to_clean_up(given: Given) -> tuple[Measurement, ...]:
    """``SpendLogCleanupMetrics.set_rows_remaining``."""
    labels = {"table": str(given["table_name"])}
    remaining = number_of(given["remaining"])
    return (Measurement(catalogue.CLEANUP_ROWS_REMAINING.name, labels, remaining),)


def cleanup_ended(given: Given) -> tuple[Measurement, ...]:
    """``SpendLogCleanupMetrics.record_run``."""
    outcome = given["outcome"]
    labels = {"outcome": str(getattr(outcome, "value", outcome))}
    return (Measurement(catalogue.CLEANUP_RUNS.name, labels),)


def stored(given: Given) -> tuple[Measurement, ...]:
    """``SpendLogCleanupMetrics.set_storage_bytes``."""
    labels = {"measure": str(given["measure"])}
    return (Measurement(catalogue.SPEND_LOG_STORAGE.name, labels, number_of(given["value"])),)


def exported(given: Given) -> tuple[Measurement, ...]:
    """``LensExporter._wrote``."""
    return (Measurement(catalogue.LENS_WRITTEN.name, {}, number_of(given["count"])),)


def dropped(given: Given) -> tuple[Measurement, ...]:
    """``LensExporter._drop``."""
    return (Measurement(catalogue.LENS_DROPPED.name, {}, number_of(given["count"])),)


def admission(given: Given) -> tuple[Measurement, ...]:
    """Any of the methods by which ``AdmissionControlState`` is told; one says why a request is turned away."""
    stats = given[SELF].get_stats()
    reason = given.get("reason")
    told = (
        Measurement(catalogue.ADMITTED.name, {}, number_of(stats.admitted)),
        Measurement(catalogue.QUEUED.name, {}, number_of(stats.queued)),
    )
    if reason is None:
        return told
    return (*told, Measurement(catalogue.TURNED_AWAY.name, {"reason": str(reason)}))


def capture_rate(given: Given) -> tuple[Measurement, ...]:
    """``_published_rate``, of one provider's check."""
    labels = {"api_provider": str(given["result"].provider)}
    rate = number_of(given[RETURNED])
    return (Measurement(catalogue.SPEND_CAPTURE_RATE.name, labels, rate),)


def redis_breaker(given: Given) -> tuple[Measurement, ...]:
    """``ServiceLogging.redis_breaker_hook``."""
    redis: Any = sys.modules["litellm.caching.redis_cache"]
    told = list(_breakers(redis.redis_breaker_state_counts()))
    transition, failure = given.get("transitions_to"), given.get("failure_class")
    if transition is not None:
        told += breaker_transition({"state": transition})
    if failure is not None:
        told += breaker_failure({"failure_class": failure})
    return tuple(told)


def breaker_state(given: Given) -> tuple[Measurement, ...]:
    """``_BreakerMetrics.record_state_change``, which LiteLLM had before that; None is a new breaker's state."""
    with _breakers_lock:
        for state, change in ((given["old_state"], -1), (given["new_state"], 1)):
            if state is not None:
                _breakers_told[str(state)] += change
        return _breakers(_breakers_told)


def breaker_transition(given: Given) -> tuple[Measurement, ...]:
    """``_BreakerMetrics.record_transition``."""
    return (Measurement(catalogue.BREAKER_TRANSITIONS.name, {"state": str(given["state"])}),)


def breaker_failure(given: Given) -> tuple[Measurement, ...]:
    """``_BreakerMetrics.record_failure``."""
    labels = {"failure_class": str(given["failure_class"])}
    return (Measurement(catalogue.BREAKER_FAILURES.name, labels),)


def _breakers(counts: Mapping[str, int]) -> tuple[Measurement, ...]:
    """Of each state: one that the last of them has left would go on to show it."""
    return tuple(
        Measurement(catalogue.BREAKER_STATE.name, {"state": state}, counts.get(state, 0))
        for state in _BREAKER_STATES
    )
