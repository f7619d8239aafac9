"""LiteLLM's own ``otel`` callback and its relatives (Arize, Langfuse, ...), and its ``prometheus`` callback.

The ``otel`` callback sends to where we send, and takes the process' providers to do it: it gives way. Its
relatives are subclasses, or the same class with an endpoint of their own, and would take the process'
providers too, so that their spans went to our backend and not to theirs: they get providers of their own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider, SpanKind

from litellm_otel import announce, settings
from litellm_otel import environment as env
from litellm_otel.boundary import guarded
from litellm_otel.coexistence import callback_hooks, destinations
from litellm_otel.hooks.seams import Seam, wrapped_by

if TYPE_CHECKING:
    from collections.abc import Callable

_OTEL = "litellm.integrations.opentelemetry"
_CHOICE = "_get_or_create_provider"
"""Where it chooses between the process' providers and its own; younger than the callback."""
_ITSELF = (None, "otel")
"""What the callback of nobody in particular is called."""


def seams() -> tuple[Seam, ...]:
    return (
        Seam(_OTEL, "OpenTelemetry.__init__", wrapped_by(_otel_made), optional=True),
        Seam(
            "litellm.integrations.prometheus",
            "PrometheusLogger.__init__",
            wrapped_by(_prometheus_made),
            optional=True,
        ),
    )


def gives_way(name: str | None) -> None:
    """Say which of the two is in charge."""
    announce.once(
        f"LiteLLM's own {name or 'otel'!r} callback is on too and would send each call once more to"
        " the same place: litellm-otel is in charge, the callback sends nothing;"
        " LITELLM_OTEL_LITELLM_CALLBACK=keep lets it"
    )


def _otel_made(
    wrapped: Callable[..., Any], callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    finish = _prepare(callback, args, kwargs)
    result = wrapped(*args, **kwargs)
    if finish is not None:
        guarded(finish)(callback)
    return result


@guarded
def _prepare(
    callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[Any], None] | None:
    """Say before it is made which providers it gets; what is returned is done to it afterwards."""
    config = kwargs.get("config", args[0] if args else None)
    name = kwargs.get("callback_name", args[1] if len(args) > 1 else None)
    if kwargs.get("tracer_provider") is not None or len(args) > 2:
        return None  # the application says where its spans go
    relative = type(callback).__name__ != "OpenTelemetry" or name not in _ITSELF
    keep = settings.current().litellm_callback == "keep"
    if _goes_elsewhere(config) or (relative and keep):
        if not destinations.providers_are_ours():
            return None
        _with_own_providers(callback)
        return callback_hooks.set_apart
    if relative:
        # With no credentials of its own it goes where the OTEL_* variables say, but may still have
        # some per key or team, each with a provider of its own.
        gives_way(name or type(callback).__name__)
        _without_providers(callback)
        return callback_hooks.set_apart
    if keep:
        callback._get_span_context = _no_span_of_ours(callback)
        return None
    gives_way(name)
    _without_providers(callback)
    callback._init_otel_logger_on_litellm_proxy = _nothing
    return callback_hooks.silence


def _goes_elsewhere(config: Any) -> bool:
    if config is None:
        # What it will make for itself. Some of its relatives write their place into the environment.
        config = sys.modules[_OTEL].OpenTelemetryConfig.from_env()
    own_exporter = not isinstance(config.exporter, str)
    return own_exporter or destinations.is_elsewhere(config.endpoint)


def _nothing(*_: Any, **__: Any) -> None:
    """In place of what would make it the proxy's maker of spans."""


def _without_providers(callback: Any) -> None:
    """What it makes is for nobody."""
    if hasattr(callback, _CHOICE):
        setattr(callback, _CHOICE, _no_provider)
        return

    def no_tracing(_: object) -> None:
        callback.tracer = NoOpTracerProvider().get_tracer("litellm")
        callback.span_kind = SpanKind
        callback.config.enable_metrics = callback.config.enable_events = False

    callback._init_tracing = no_tracing


def _no_provider(*_: Any, provider_name: str = "", **__: Any) -> Any:
    if provider_name == "MeterProvider":
        return NoOpMeterProvider()
    if provider_name == "LoggerProvider":
        return NoOpLoggerProvider()
    return NoOpTracerProvider()


def _with_own_providers(callback: Any) -> None:
    """It makes providers for itself, as it would if there were none, and keeps them to itself."""
    make: Any = getattr(callback, _CHOICE, None)
    if make is None:
        _with_own_tracers(callback)
        return

    def own(*args: Any, **kwargs: Any) -> Any:
        alone = {"get_existing_provider_fn": lambda: None, "set_provider_fn": _nothing}
        return make(*args, **{**kwargs, **alone})

    setattr(callback, _CHOICE, own)


def _with_own_tracers(callback: Any) -> None:
    """For the first releases of LiteLLM 1.80: its own tracer provider, made the way it makes one."""

    def own_tracing(_: object) -> None:
        from opentelemetry.sdk.trace import TracerProvider

        provider = TracerProvider(resource=sys.modules[_OTEL]._get_litellm_resource())
        provider.add_span_processor(callback._get_span_processor())
        callback.tracer = provider.get_tracer("litellm")
        callback.span_kind = SpanKind
        # Its events would go by the process' provider, its metrics would be published as the process'.
        callback.config.enable_metrics = callback.config.enable_events = False

    callback._init_tracing = own_tracing


def _no_span_of_ours(callback: Any) -> Callable[..., Any]:
    """It would write its attributes, prompts among them, on a span of ours in place of making its own."""
    find: Any = callback._get_span_context

    def found(*args: Any, **kwargs: Any) -> Any:
        context, _ = find(*args, **kwargs)
        return context, None

    return found


def _prometheus_made(
    wrapped: Callable[..., Any], callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    _tell_of_prometheus()
    return wrapped(*args, **kwargs)


@guarded
def _tell_of_prometheus() -> None:
    announce.once(
        "LiteLLM's own 'prometheus' callback is on too and serves the same metrics at the proxy's"
        " /metrics: litellm-otel is in charge of what it sends, the callback of what is scraped there;"
        " let one Prometheus have one of the two, or it counts twice"
        + (
            f"; {env.METRICS_ENDPOINT}=true gives way to it, OTEL_METRICS_EXPORTER=prometheus does not"
            if settings.current().metrics_endpoint
            else ""
        )
    )
