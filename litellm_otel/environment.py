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

LITELLM_CALLBACK = "LITELLM_OTEL_LITELLM_CALLBACK"
"""
``skip`` (default) or ``keep`` what LiteLLM's own ``otel`` callback would send to the same place, which
has each call once more.
"""

TRACE_RESPONSE = "LITELLM_OTEL_TRACE_RESPONSE"
"""
Header of the proxy's answers that tells the client the trace: ``traceresponse`` (default), in the format
of the W3C's draft; by any other name, ``x-trace-id`` say, the bare id; ``none``: no header.
"""

BAGGAGE_KEYS = "LITELLM_OTEL_BAGGAGE_KEYS"
"""
Comma-separated members of the caller's W3C baggage that become attributes ``litellm.baggage.<key>`` of
spans and request records. Default none: anybody can send anything in it.
"""

BAGGAGE_TO_PROVIDERS = "LITELLM_OTEL_BAGGAGE_TO_PROVIDERS"
"""
``true`` or ``false`` (default): send the caller's baggage on to LLM providers. It is meant for one's own
services, and may name users and sessions.
"""

METRICS_INCLUDE = "LITELLM_OTEL_METRICS_INCLUDE"
"""
Comma-separated names of the metrics to send, by their OTLP or Prometheus names, ``*`` for any part of one:
``litellm_requests_total,litellm_*_budget_metric``. Default: all. LiteLLM's own ``prometheus_metrics_config``,
``prometheus_exclude_metrics`` and the like in ``litellm_settings`` are honoured as well.
"""

METRICS_EXCLUDE = "LITELLM_OTEL_METRICS_EXCLUDE"
"""The same of metrics not to send."""

METRICS_STRICT = "LITELLM_OTEL_METRICS_STRICT"
"""
``true``: a proxy in whose configuration a metric or a label is selected that there isn't does not start.
Default ``false``: one line names it and the nearest that there is, and it is left out.
"""

PROCESS_METRICS = "LITELLM_OTEL_PROCESS_METRICS"
"""
``true`` (default) or ``false``: CPU time, memory, threads, open files, garbage collection, event loop and
queues of each process.
"""

HANGING_REQUEST_THRESHOLD = "LITELLM_OTEL_HANGING_REQUEST_THRESHOLD"
"""
Seconds after which a request that is still under way counts as hanging. Default: ``alerting_threshold`` of
the proxy's ``general_settings``, and 300 where that is not set.
"""

METRICS_ENDPOINT = "LITELLM_OTEL_METRICS_ENDPOINT"
"""
``true`` or ``false`` (default): serve all metrics of all workers at ``/metrics`` of the proxy's own port,
behind LiteLLM's authentication. See [the metrics endpoint](metrics-endpoint.md), also for a port of its own.
"""

HTTP_METRICS = "LITELLM_OTEL_HTTP_METRICS"
"""``true`` or ``false`` (default): the ``http.server.*`` and ``http.client.*`` metrics too."""

LOGS = "LITELLM_OTEL_LOGS"
"""``true`` (default) or ``false``: LiteLLM's and uvicorn's own log lines as OpenTelemetry logs."""

ACCESS_LOG = "LITELLM_OTEL_ACCESS_LOG"
"""``true`` or ``false`` (default): uvicorn's access log as OpenTelemetry logs too."""

CAPTURE_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""
Where prompts, answers and tools' arguments and results go: ``NO_CONTENT`` (default), ``SPAN_ONLY``,
``EVENT_ONLY`` or ``SPAN_AND_EVENT``. See [content](content.md) for what that means for privacy.
"""

EMIT_EVENT = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"
"""
``true`` or ``false``: an event ``gen_ai.client.inference.operation.details`` for each attempt. Default:
``true`` where content goes to events. With ``NO_CONTENT`` and ``true`` it has everything but content.
"""

COMPLETION_HOOK = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
"""
Name of a hook that is handed all content, whatever spans and events get: ``upload``, which writes it to
files, or one of another package (entry point group ``opentelemetry_genai_completion_hook``). Needs
``pip install 'litellm-otel[upload]'``. Default none.
"""

UPLOAD_BASE_PATH = "OTEL_INSTRUMENTATION_GENAI_UPLOAD_BASE_PATH"
"""For ``upload``: a directory, or a URL as ``fsspec`` takes them, ``s3://bucket/prompts`` say."""

UPLOAD_FORMAT = "OTEL_INSTRUMENTATION_GENAI_UPLOAD_FORMAT"
"""For ``upload``: ``json`` (default) or ``jsonl``."""

UPLOAD_MAX_QUEUE_SIZE = "OTEL_INSTRUMENTATION_GENAI_UPLOAD_MAX_QUEUE_SIZE"
"""For ``upload``: files that may wait to be written; beyond it they are dropped. Default 20."""

CONTENT_MAX_LENGTH = "LITELLM_OTEL_CONTENT_MAX_LENGTH"
"""
Characters of each part of a message that spans and events get. What is cut says so. Default 8192. Hooks
get all of it.
"""

CONTENT_MAX_SIZE = "LITELLM_OTEL_CONTENT_MAX_SIZE"
"""
Bytes of content that a span or an event gets in all; the oldest messages go first. Default 49152, since
Loki takes no more than 65536 of all attributes together.
"""

CONTENT_BLOBS = "LITELLM_OTEL_CONTENT_BLOBS"
"""
``true`` or ``false`` (default): images, sound and files that are sent along, too, and not only their type
and size.
"""

CONTENT_REDACT_PATTERNS = "LITELLM_OTEL_CONTENT_REDACT_PATTERNS"
"""
Regular expressions, separated by ``;`` or line breaks, of what is to be taken out of content besides
credentials, which always are. Write ``\\x3b`` for a ``;`` of your own. No content is recorded while one of
them is wrong.
"""

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
