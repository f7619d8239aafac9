"""OpenTelemetry's instrumentor for LiteLLM: wires hooks, recorder and emitters together."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from litellm_otel import __version__, lifecycle, settings
from litellm_otel.emit import Telemetry
from litellm_otel.emit.logs import Logs
from litellm_otel.emit.metrics import Metrics
from litellm_otel.emit.spans import Spans
from litellm_otel.hooks.table import seams_for
from litellm_otel.reading.tokens import estimate_tokens
from litellm_otel.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Collection

    from litellm_otel.hooks.seams import Seams

_logger = logging.getLogger("litellm_otel")


class LiteLLMInstrumentor(BaseInstrumentor):
    """Records every LiteLLM call from the moment ``litellm`` is imported.

    ``instrument()`` takes ``tracer_provider``, ``meter_provider`` and ``logger_provider``; without them
    the global ones are used. It imports no part of LiteLLM.
    """

    _seams: Seams | None = None
    _recorder: Recorder | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("litellm >= 1.80, != 1.82.7, != 1.82.8",)

    def _instrument(self, **kwargs: Any) -> None:
        chosen = settings.current()
        tracer = trace.get_tracer(chosen.tracer_name, __version__, kwargs.get("tracer_provider"))
        meter = metrics.get_meter(chosen.meter_name, __version__, kwargs.get("meter_provider"))
        logger = get_logger(
            chosen.logger_name, __version__, logger_provider=kwargs.get("logger_provider")
        )
        counted = Metrics(meter, self._in_flight, self._hooks)
        self._recorder = Recorder(
            Telemetry(Spans(tracer), counted, Logs(logger, chosen.slow_request_threshold)),
            stream_idle_timeout=chosen.stream_idle_timeout,
            estimate=estimate_tokens,
        )
        recorder = self._recorder
        self._seams = seams_for(recorder)
        self._seams.install()

        def settle(_: float) -> None:
            recorder.flush()

        def forked() -> None:
            recorder.after_fork()
            counted.after_fork()

        lifecycle.register_flush(settle)
        lifecycle.on_fork(forked)

    def _in_flight(self) -> int | None:
        recorder = self._recorder
        return recorder.in_flight if recorder is not None and recorder.serves else None

    def _hooks(self) -> dict[str, str]:
        return self._seams.status if self._seams is not None else {}

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._recorder is not None:
            self._recorder.active = False
        if self._seams is not None:
            self._seams.remove()
        self._recorder = self._seams = None
