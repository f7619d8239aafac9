"""LiteLLM's second ``otel`` callback, that of ``LITELLM_OTEL_V2=true``, and its presets (Arize, Langfuse, ...).

It builds providers of its own, publishes them as the process' and instruments the proxy's app once more.
A preset exports to its own backend and, on top, to where the ``OTEL_*`` variables point: the latter gives
way, the former goes on.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from litellm_otel import settings
from litellm_otel.boundary import guarded
from litellm_otel.coexistence import callback_hooks, destinations
from litellm_otel.coexistence.litellm_callbacks import gives_way
from litellm_otel.hooks.seams import Seam, wrapped_by

if TYPE_CHECKING:
    from collections.abc import Callable

_LOGGER = "litellm.integrations.otel.logger"


def seams() -> tuple[Seam, ...]:
    return (
        Seam(_LOGGER, "OpenTelemetryV2.__init__", wrapped_by(_made), optional=True),
        Seam(_LOGGER, "publish_global_otel_v2_provider", wrapped_by(_published), optional=True),
        Seam(
            "litellm.integrations.otel.mount",
            "instrument_fastapi_app",
            wrapped_by(_app_instrumented),
            optional=True,
        ),
    )


def _made(
    wrapped: Callable[..., Any], callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    changed = _prepare(wrapped, callback, args, kwargs)
    if changed is None:
        return wrapped(*args, **kwargs)
    arguments, finish = changed
    result = wrapped(**arguments)
    guarded(finish)(callback)
    return result


@guarded
def _prepare(
    wrapped: Callable[..., Any], callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[dict[str, Any], Callable[[Any], None]] | None:
    """What it is made with in place of what it was given, and what is done to it afterwards."""
    if settings.current().litellm_callback == "keep":
        return None
    from litellm.integrations.otel.model.config import OpenTelemetryV2Config
    from opentelemetry.metrics import NoOpMeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    given = inspect.signature(wrapped).bind(*args, **kwargs)
    extra: dict[str, Any] = given.arguments.pop("kwargs", {})
    arguments: dict[str, Any] = {**given.arguments, **extra}
    if arguments.get("tracer_provider") is not None:
        return None  # the application says where its spans go
    config = arguments.get("config") or OpenTelemetryV2Config(**extra)
    elsewhere = [spec for spec in config.exporters if _goes_elsewhere(spec)]
    quiet = {"exporters": elsewhere, "enable_metrics": False, "enable_events": False}
    callback._init_otel_logger_on_litellm_proxy = _nothing
    if elsewhere:
        return {**arguments, "config": config.model_copy(update=quiet)}, callback_hooks.set_apart
    gives_way(arguments.get("callback_name"))
    silent = {
        "tracer_provider": TracerProvider(shutdown_on_exit=False),
        "meter_provider": NoOpMeterProvider(),
    }
    return {
        **arguments,
        **silent,
        "config": config.model_copy(update={**quiet, "exporters": config.exporters}),
    }, callback_hooks.silence


def _goes_elsewhere(spec: Any) -> bool:
    endpoint = spec.endpoint or getattr(spec, "traces_endpoint", None)
    return spec.owner is not None or destinations.is_elsewhere(endpoint)


def _nothing(*_: Any, **__: Any) -> None:
    """In place of what would make it the proxy's maker of spans, current ones too."""


def _published(
    wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    # OpenTelemetry keeps the first provider and complains of the second.
    arguments = inspect.signature(wrapped).bind(*args, **kwargs).arguments
    return wrapped(**{**arguments, "set_global_provider": _nothing})


def _app_instrumented(
    wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The app has its SERVER spans."""
    app = args[0] if args else kwargs.get("app")
    if getattr(app, "_is_instrumented_by_opentelemetry", False):
        return None
    return wrapped(*args, **kwargs)
