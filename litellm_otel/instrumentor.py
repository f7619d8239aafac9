"""OpenTelemetry's instrumentor for LiteLLM: wires hooks, recorder and emitters together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from litellm_otel import __version__, lifecycle, sdk, servers, settings
from litellm_otel.boundary import guarded
from litellm_otel.hooks.table import seams_for
from litellm_otel.reading.tokens import estimate_tokens
from litellm_otel.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Collection

    from litellm_otel.hooks.seams import Seams

FIRST_MODULE = "litellm.utils"
"""The first of LiteLLM's modules that a hook goes into: what emits has to be there by then."""


class LiteLLMInstrumentor(BaseInstrumentor):
    """Records every LiteLLM call from the moment ``litellm`` is imported.

    ``instrument()`` takes ``tracer_provider``, ``meter_provider`` and ``logger_provider``; without them
    the global ones are used, as they are when LiteLLM is imported. It imports no part of LiteLLM, and
    none of the SDK before LiteLLM is.
    """

    _seams: Seams | None = None
    _recorder: Recorder | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("litellm >= 1.80, != 1.82.7, != 1.82.8",)

    def _instrument(self, **kwargs: Any) -> None:
        chosen = settings.current()
        recorder = self._recorder = Recorder(
            stream_idle_timeout=chosen.stream_idle_timeout, estimate=estimate_tokens
        )

        def settle(_: float) -> None:
            recorder.flush()

        # Hooks of one module run in the order they were registered in: this one before the seams'.
        wrapt.register_post_import_hook(lambda _: self._emit(recorder, kwargs), FIRST_MODULE)
        # Also where another distro has set up the SDK, nothing may be lost at the end.
        servers.install()
        lifecycle.register_flush(settle)
        lifecycle.on_fork(recorder.after_fork)
        self._seams = seams_for(recorder)
        self._seams.install()

    @guarded
    def _emit(self, recorder: Recorder, providers: dict[str, Any]) -> None:
        """Give the recorder its emitter."""
        sdk.start()
        lifecycle.install()
        from litellm_otel.emit import Telemetry
        from litellm_otel.emit.distributions import distributions_for
        from litellm_otel.emit.logs import Logs
        from litellm_otel.emit.metrics import Metrics
        from litellm_otel.emit.spans import Spans
        from litellm_otel.lean_spans import lean

        chosen = settings.current()
        tracer = trace.get_tracer(chosen.tracer_name, __version__, providers.get("tracer_provider"))
        meter_provider = providers.get("meter_provider") or metrics.get_meter_provider()
        meter = metrics.get_meter(chosen.meter_name, __version__, meter_provider)
        logger = get_logger(
            chosen.logger_name, __version__, logger_provider=providers.get("logger_provider")
        )
        counted = Metrics(
            meter,
            distributions_for(meter, meter_provider, chosen.meter_name, __version__),
            self._in_flight,
            self._hooks,
        )
        telemetry = Telemetry(
            Spans(lean(tracer)),
            counted,
            Logs(logger, chosen.slow_request_threshold),
            later=lambda seconds, work: recorder.deferred.after(seconds, work),
        )
        recorder.emitter = telemetry

        def forked() -> None:
            counted.after_fork()
            telemetry.after_fork()

        def drain(_: float) -> None:
            telemetry.drain()

        lifecycle.on_fork(forked)
        lifecycle.register_flush(drain)

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
