"""Datadog's tracer in the same process: its middleware beside ours, and its claim on OpenTelemetry's traces.

``DD_TRACE_OTEL_ENABLED`` makes every OpenTelemetry span one of Datadog's. It does not ask for metrics and
logs, so those still leave our way.
"""

from __future__ import annotations

import inspect
import os
import sys
from contextlib import contextmanager
from types import MethodType
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry import metrics, trace

from litellm_otel import announce

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_FASTAPI, _STACK = "ddtrace.contrib.internal.fastapi.patch", "build_middleware_stack"
_EXPORTER = "OTEL_TRACES_EXPORTER"


def has_taken_over_traces() -> bool:
    """Whether the tracer provider, and nothing else, is Datadog's."""
    return (
        type(trace.get_tracer_provider()).__module__.startswith("ddtrace.")
        and type(metrics.get_meter_provider()).__name__ == "_ProxyMeterProvider"
    )


@contextmanager
def only_metrics_and_logs(configuration: Any) -> Generator[None]:
    """While the SDK starts: no tracer provider beside the one that there is."""
    announce.once(
        "Datadog's tracer has OpenTelemetry's traces (DD_TRACE_OTEL_ENABLED): spans go to its agent;"
        " litellm-otel is in charge of metrics and logs, which leave by OTLP"
    )
    exporter, publish = os.environ.get(_EXPORTER), configuration.set_tracer_provider
    os.environ[_EXPORTER] = "none"
    configuration.set_tracer_provider = _nothing
    try:
        yield
    finally:
        configuration.set_tracer_provider = publish
        if exporter is None:
            os.environ.pop(_EXPORTER, None)
        else:
            os.environ[_EXPORTER] = exporter


def keep_server_spans(instrumentation: Any) -> None:
    """Have OpenTelemetry's instrumentation of FastAPI put its middleware inside Datadog's.

    It gives up where the outermost is not FastAPI's own, and every request would be without its span.
    """
    wrapt.wrap_function_wrapper(instrumentation, "FastAPIInstrumentor.instrument_app", _inside)


def _inside(
    wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    app: Any = args[0] if args else kwargs.get("app")
    patch = sys.modules.get(_FASTAPI)
    owner: type = app.__class__
    built = getattr(owner, _STACK, None)
    fastapis = inspect.unwrap(built) if callable(built) else None
    if patch is None or fastapis is None or fastapis is built or _STACK in vars(app):
        return wrapped(*args, **kwargs)
    app.build_middleware_stack = MethodType(fastapis, app)
    try:
        return wrapped(*args, **kwargs)
    finally:
        inner = app.build_middleware_stack
        app.build_middleware_stack = lambda: patch.wrap_middleware_stack(inner, app, (), {})


def _nothing(_: object) -> None:
    """OpenTelemetry keeps the first and complains of the second."""
