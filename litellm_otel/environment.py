"""Every environment variable that litellm-otel reads beside the standard ``OTEL_*`` ones.

``opentelemetry-instrument`` turns each attribute of this module whose name begins with ``OTEL_``
into one of its own command line options; that is why only ``OTEL_CONFIG`` is called so here.
"""

import os
import sys

OTEL_CONFIG = "OTEL_CONFIG"
"""
Reserved, without a meaning of its own. It makes ``--config`` an option of
``opentelemetry-instrument``, which would otherwise take the ``--config`` of
``opentelemetry-instrument litellm --config config.yaml`` for an abbreviation and refuse it as
ambiguous.
"""

CONFIG_FILE = "LITELLM_OTEL_CONFIG_FILE"
"""
YAML file with the settings below, named without their prefix and in lower case. What is set in the
environment wins.
"""

FLUSH_TIMEOUT = "LITELLM_OTEL_FLUSH_TIMEOUT"
"""Seconds that a process may spend, while it ends, on sending what it still holds. Default 5."""

SLOW_REQUEST_THRESHOLD = "LITELLM_OTEL_SLOW_REQUEST_THRESHOLD"
"""Seconds after which a request counts as slow in its log record. Default 10."""

STREAM_IDLE_TIMEOUT = "LITELLM_OTEL_STREAM_IDLE_TIMEOUT"
"""Seconds without a chunk after which a stream counts as abandoned. Default 600."""

EXCLUDED_URLS = "LITELLM_OTEL_EXCLUDED_URLS"
"""
Comma-separated regular expressions of the proxy's URLs that make no SERVER span. Default: health,
metrics and documentation pages. ``OTEL_PYTHON_FASTAPI_EXCLUDED_URLS`` and
``OTEL_PYTHON_EXCLUDED_URLS`` are honoured as well and come first.
"""

FOREIGN_LITELLM = "LITELLM_OTEL_FOREIGN_LITELLM"
"""
``skip`` (default) or ``keep`` the LiteLLM instrumentations of other packages, which trace each call
once more.
"""

PROCESS_METRICS = "LITELLM_OTEL_PROCESS_METRICS"
"""``true`` (default) or ``false``: CPU time, memory, threads and open files of each process."""

HTTP_METRICS = "LITELLM_OTEL_HTTP_METRICS"
"""``true`` or ``false`` (default): the ``http.server.*`` and ``http.client.*`` metrics too."""

LOGS = "LITELLM_OTEL_LOGS"
"""``true`` (default) or ``false``: LiteLLM's and uvicorn's own log lines as OpenTelemetry logs."""

ACCESS_LOG = "LITELLM_OTEL_ACCESS_LOG"
"""``true`` or ``false`` (default): uvicorn's access log as OpenTelemetry logs too."""

LEGACY_EXPORTER = "OTEL_EXPORTER"
"""
LiteLLM's own: ``console``, ``otlp_http`` or ``otlp_grpc``, for ``OTEL_*_EXPORTER`` and
``OTEL_EXPORTER_OTLP_PROTOCOL`` where those are unset.
"""

LEGACY_ENDPOINT = "OTEL_ENDPOINT"
"""LiteLLM's own, for ``OTEL_EXPORTER_OTLP_ENDPOINT``; it may end in ``/v1/traces``."""

LEGACY_HEADERS = "OTEL_HEADERS"
"""LiteLLM's own, for ``OTEL_EXPORTER_OTLP_HEADERS`` where that is unset."""

LEGACY_ENVIRONMENT_NAME = "OTEL_ENVIRONMENT_NAME"
"""LiteLLM's own, for the resource attribute ``deployment.environment.name`` where that is unset."""

LEGACY_TRACER_NAME = "OTEL_TRACER_NAME"
"""LiteLLM's own: instrumentation scope of the spans. Default ``litellm_otel``."""

LEGACY_METER_NAME = "LITELLM_METER_NAME"
"""LiteLLM's own: instrumentation scope of the metrics. Default ``litellm_otel``."""

LEGACY_LOGGER_NAME = "LITELLM_LOGGER_NAME"
"""LiteLLM's own: instrumentation scope of the request records. Default ``litellm_otel``."""

LEGACY_DEBUG = "DEBUG_OTEL"
"""LiteLLM's own: ``true`` makes litellm-otel tell what it does, line by line."""

NAMES_OF_OTHERS = (
    "LITELLM_OTEL_V2",
    "LITELLM_OTEL_INTEGRATION_",
    "LITELLM_OTEL_BAGGAGE_",
)
"""Beginnings of names that look like ours and are LiteLLM's."""


def _choose_distro() -> None:
    # opentelemetry-instrument imports this module just before it becomes the program it was
    # given. That is the only moment at which a package can say that its distro is meant: later,
    # the first one found on sys.path wins, whatever it is.
    if os.path.basename(sys.argv[0]).startswith("opentelemetry-instrument"):
        os.environ.setdefault("OTEL_PYTHON_DISTRO", "litellm_otel")
        os.environ.setdefault("OTEL_PYTHON_CONFIGURATOR", "litellm_otel")


_choose_distro()
