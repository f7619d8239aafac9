"""Where LiteLLM hands numbers to its own metrics: they are read on their way."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.hooks.seams import Seam, wrapped_by
from litellm_otel.reading import numbers, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.reading.numbers import Read
    from litellm_otel.recorder import Recorder

_LOGGING = "litellm.litellm_core_utils.litellm_logging"
_FALLBACKS = "litellm.router_utils.fallback_event_handlers"
_REDIS = "litellm.caching.redis_cache"
_CLEANUP = "litellm.proxy.db.db_transaction_queue.spend_log_cleanup_metrics"
_CALLBACK = "litellm.integrations.prometheus"
_LENS = "litellm.tracing.exporter"
_ADMISSION = "litellm.proxy.middleware.admission_control_middleware"
_METHODS: tuple[tuple[str, str, Read], ...] = (
    (_LOGGING, "Logging._handle_callback_failure", numbers.failure_of_callback),
    (
        "litellm.integrations.custom_logger",
        "CustomLogger.handle_callback_failure",
        numbers.callback_failure,
    ),
    (_FALLBACKS, "log_success_fallback_event", numbers.successful_fallback),
    (_FALLBACKS, "log_failure_fallback_event", numbers.failed_fallback),
    (
        "litellm.router_strategy.budget_limiter",
        "RouterBudgetLimiting._track_provider_remaining_budget_prometheus",
        numbers.provider_budget,
    ),
    ("litellm._service_logger", "ServiceLogging.redis_breaker_hook", numbers.redis_breaker),
    (_REDIS, "_BreakerMetrics.record_state_change", numbers.breaker_state),
    (_REDIS, "_BreakerMetrics.record_transition", numbers.breaker_transition),
    (_REDIS, "_BreakerMetrics.record_failure", numbers.breaker_failure),
    (
        "litellm.proxy.spend_tracking.spend_capture_rate",
        "_published_rate",
        numbers.capture_rate,
    ),
    *(
        (_ADMISSION, f"AdmissionControlState.record_{what}", numbers.admission)
        for what in ("admission", "release", "queue", "dequeue", "rejection")
    ),
    (_LENS, "LensExporter._wrote", numbers.exported),
    (_LENS, "LensExporter._drop", numbers.dropped),
    *((_CALLBACK, f"PrometheusLogger.{name}", read) for name, read in told.TOLD.items()),
)
_WITHOUT_SELF: tuple[tuple[str, str, Read], ...] = (
    ("litellm.proxy.utils", "ProxyLogging._emit_guardrail_metrics", numbers.guardrail),
    (_CLEANUP, "SpendLogCleanupMetrics.record_batch", numbers.cleaned_up),
    (_CLEANUP, "SpendLogCleanupMetrics.record_batch_failure", numbers.cleanup_failed),
    (_CLEANUP, "SpendLogCleanupMetrics.set_rows_remaining", numbers.left_to_clean_up),
    (_CLEANUP, "SpendLogCleanupMetrics.record_run", numbers.cleanup_ended),
    (_CLEANUP, "SpendLogCleanupMetrics.set_storage_bytes", numbers.stored),
)
"""Static and class methods."""


def seams(recorder: Recorder) -> tuple[Seam, ...]:
    """One for each function that is handed a number. Which of them there are depends on LiteLLM's version."""

    def reading(read: Read) -> Callable[[Any], Any]:
        return lambda present: _reading(present, read, recorder)

    def reading_static(read: Read) -> Callable[[Any], Any]:
        return lambda present: staticmethod(_reading(present, read, recorder))

    return (
        *(Seam(module, method, reading(read), optional=True) for module, method, read in _METHODS),
        *(
            Seam(module, method, reading_static(read), optional=True)
            for module, method, read in _WITHOUT_SELF
        ),
    )


def noting(present: Any, read: Read, recorder: Recorder) -> Callable[..., None]:
    """To be told of a call of ``present``: what it was called on, its arguments, and what it returned."""
    signature = inspect.signature(present)

    @guarded
    def note(instance: Any, args: Args, kwargs: Kwargs, result: Any) -> None:
        if not recorder.active:
            return
        method = instance is not None and next(iter(signature.parameters), "") == "self"
        given = signature.bind(*((instance, *args) if method else args), **kwargs).arguments
        given.update({numbers.SELF: instance, numbers.RETURNED: result})
        recorder.emitter.measured(read(given))

    return note


def _reading(present: Any, read: Read, recorder: Recorder) -> Any:
    note = noting(present, read, recorder)

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        result = wrapped(*args, **kwargs)
        note(instance, args, kwargs, result)
        return result

    return wrapped_by(wrapper)(present)
