"""How the instrumentations of other libraries are loaded: late, lean, and none of LiteLLM twice."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry import trace
from opentelemetry.metrics import NoOpMeterProvider

from litellm_otel import announce, discreet, fastapi_routes, sdk, settings
from litellm_otel.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.trace import Span
    from opentelemetry.util._importlib_metadata import EntryPoint


def _http_options() -> dict[str, Any]:
    return {} if settings.current().http_metrics else {"meter_provider": NoOpMeterProvider()}


def _without_secrets(span: Span, scope: dict[str, Any]) -> None:
    """Some clients send their key as a query parameter; exceptions quote what they were about."""
    if not span.is_recording():
        return
    query = scope.get("query_string")
    if query:
        span.set_attribute("url.query", redact(query.decode("latin-1")))
    discreet.keep(span)


def _fastapi_options() -> dict[str, Any]:
    by_user = os.environ.get("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS") or os.environ.get(
        "OTEL_PYTHON_EXCLUDED_URLS"
    )
    excluded = (*([by_user] if by_user else []), *settings.current().excluded_urls)
    return {
        # One span per chunk of a stream otherwise.
        "exclude_spans": ["receive", "send"],
        "excluded_urls": ",".join(excluded),
        "server_request_hook": _without_secrets,
        **_http_options(),
    }


def _client_options() -> dict[str, Any]:
    from litellm_otel.child_spans import ChildSpans

    return {"tracer_provider": ChildSpans(trace.get_tracer_provider()), **_http_options()}


LATE: Mapping[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    # Importing an instrumentation imports its library, which most processes never need.
    "fastapi": ("fastapi", _fastapi_options),
    "aiohttp-client": ("aiohttp", _client_options),
    "httpx": ("httpx", _client_options),
    "httpx2": ("httpx2", _client_options),
}
"""Entry point name to the module whose import loads it, and the options it is given."""


def load(entry_point: EntryPoint, **kwargs: Any) -> None:
    """Load one ``opentelemetry_instrumentor``, or leave it out."""
    name = entry_point.name
    if name in LATE:
        _when_imported(LATE[name][0], lambda: _load_late(entry_point, **kwargs))
    elif name == "system_metrics":
        # The host is not ours to watch, and the process is watched by litellm_otel.process_metrics.
        return
    elif name == "logging":
        # Trace ids in each record for whoever formats lines with them, at 30 us a request; and a
        # handler on the root logger, which would send what litellm_otel.logs sends once more. Who
        # asks for either gets it.
        in_lines = _asked("OTEL_PYTHON_LOG_CORRELATION")
        by_root = _asked("OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION")
        if in_lines or by_root:
            _instrument(
                entry_point,
                inject_trace_context=in_lines,
                enable_log_auto_instrumentation=by_root,
                **kwargs,
            )
    elif _is_foreign_litellm(entry_point):
        if settings.current().foreign_litellm == "keep":
            # It imports LiteLLM, which has to wait until ours is in place.
            _when_imported("litellm", lambda: _instrument(entry_point, **kwargs))
            return
        from litellm_otel.coexistence import foreign_tracers

        foreign_tracers.left_out(entry_point.value)
    else:
        if name != "litellm_otel":
            # Somebody installed it, and it may have something to tell at once.
            sdk.start()
        _instrument(entry_point, **kwargs)


def _load_late(entry_point: EntryPoint, **kwargs: Any) -> None:
    _, options = LATE[entry_point.name]
    if entry_point.name == "aiohttp-client":
        from litellm_otel import http_client

        if http_client.suffices():
            http_client.HttpClientSpans().install()
            return
    if entry_point.name == "fastapi":
        from litellm_otel import trace_response

        trace_response.install(settings.current().trace_response)
        from litellm_otel.coexistence import datadog

        wrapt.when_imported(fastapi_routes.INSTRUMENTATION)(fastapi_routes.install)
        wrapt.when_imported(fastapi_routes.INSTRUMENTATION)(datadog.keep_server_spans)
        from litellm_otel import server_spans

        wrapt.when_imported(fastapi_routes.INSTRUMENTATION)(server_spans.install)
    _instrument(entry_point, **kwargs, **options())


def _asked(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() == "true"


def _is_foreign_litellm(entry_point: EntryPoint) -> bool:
    return entry_point.name != "litellm_otel" and "litellm" in entry_point.name.lower()


_unfinished: list[tuple[EntryPoint, dict[str, Any]]] = []


def _instrument(entry_point: EntryPoint, **options: Any) -> None:
    try:
        instrumentor = entry_point.load()
    except AttributeError:
        # Its module is being imported right now, on behalf of another entry point in it.
        _unfinished.append((entry_point, options))
        return
    instrumentor().instrument(**options)
    ready = [item for item in _unfinished if item[0].module == entry_point.module]
    for item in ready:
        _unfinished.remove(item)
        _instrument(item[0], **item[1])


def _when_imported(module: str, load: Callable[[], None]) -> None:
    def hook(_: object) -> None:
        try:
            sdk.start()
            load()
        except Exception as error:
            announce.once(f"could not instrument {module}: {type(error).__name__}: {error}")

    wrapt.when_imported(module)(hook)
