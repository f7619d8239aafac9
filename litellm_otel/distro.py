"""OpenTelemetry distro: the defaults, and which instrumentations load how."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro

from litellm_otel import announce, settings
from litellm_otel.bootstrap import OURS
from litellm_otel.bootstrap.hidden import run_hidden_by_opentelemetry
from litellm_otel.process import is_helper, is_spawned

if TYPE_CHECKING:
    from opentelemetry.util._importlib_metadata import EntryPoint

DEFAULTS: tuple[tuple[str, str], ...] = (
    # gRPC channels do not survive the forks of gunicorn and granian.
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    # All three signals leave as OTLP; the SDK's own default is to send nothing.
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_LOGS_EXPORTER", "otlp"),
    # Like spans. The SDK's default of a second is a request a second, at 2 ms of CPU each.
    ("OTEL_BLRP_SCHEDULE_DELAY", "5000"),
    # What LiteLLM's own callback calls the service.
    ("OTEL_SERVICE_NAME", "litellm"),
    # The HTTP names that dashboards are written for today, not those of 2022.
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "http"),
)

MEANT_FOR_US = frozenset(
    ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_SERVICE_NAME")
)
"""Datadog's tracer goes by these as well, and would leave its agent: only our start of the SDK sees them."""


class LiteLLMOtelDistro(BaseDistro):
    """Sets `DEFAULTS`, corrects what the SDK would stumble over, and tailors instrumentations."""

    def _configure(self, **kwargs: object) -> None:
        if is_helper():
            return
        run_hidden_by_opentelemetry()
        chosen, problems = settings.load(os.environ)
        settings.use(chosen)
        if chosen.debug:
            announce.show_debug()
        if chosen.disabled:
            return
        for name, value in chosen.environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        from litellm_otel import sdk

        for name, value in DEFAULTS:
            if name == "OTEL_SERVICE_NAME" and "service.name=" in os.environ.get(
                "OTEL_RESOURCE_ATTRIBUTES", ""
            ):
                continue
            if name in MEANT_FOR_US and os.environ.get("OTEL_PYTHON_CONFIGURATOR") == OURS:
                sdk.defaults[name] = value
            else:
                os.environ.setdefault(name, value)
        # Workers inherit the corrected environment, so standard variables are complained of once;
        # for our own, the parent has spoken.
        if not is_spawned():
            for problem in problems:
                announce.once(problem)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Load an installed instrumentation, in our way if it is one of those we know."""
        if is_helper() or settings.current().disabled:
            return
        from litellm_otel import instrumentations

        instrumentations.load(entry_point, **kwargs)
