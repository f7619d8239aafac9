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
from litellm_otel.reading import baggage
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
    _providers: dict[str, Any] | None = None
    """What the recorder's emitter emits to."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("litellm >= 1.80, != 1.82.7, != 1.82.8",)

    def _instrument(self, **kwargs: Any) -> None:
        if self._recorder is None:
            self._start()
        recorder, seams = self._recorder, self._seams
        assert recorder is not None
        assert seams is not None
        recorder.active = True
        # Hooks of one module run in the order they were registered in: this one before the seams'.
        wrapt.register_post_import_hook(lambda _: self._emit(recorder, kwargs), FIRST_MODULE)
        # Also where another distro has set up the SDK, nothing may be lost at the end.
        servers.install()
        seams.install()

    def _start(self) -> None:
        """Once in a process: what was decorated while instrumented keeps its recorder for good."""
        chosen = settings.current()
        recorder = self._recorder = Recorder(
            stream_idle_timeout=chosen.stream_idle_timeout,
            estimate=estimate_tokens,
            baggage=baggage.reader(chosen.baggage_keys),
        )

        def settle(_: float) -> None:
            recorder.flush()

        if chosen.content.reads:
            from litellm_otel.reading.content import ContentReader

            recorder.contents = ContentReader(blobs=chosen.content.blobs)

        lifecycle.register_flush(settle)
        lifecycle.on_end(recorder.end_all)
        lifecycle.on_fork(recorder.after_fork)
        self._seams = seams_for(recorder)

    @guarded
    def _emit(self, recorder: Recorder, providers: dict[str, Any]) -> None:
        """Give the recorder its emitter, unless it has it from the last time."""
        if not recorder.active or (self._providers == providers):
            return
        self._providers = providers
        sdk.start()
        lifecycle.flush_too(
            provider
            for name, provider in providers.items()
            if name.endswith("_provider") and provider
        )
        lifecycle.install()
        from litellm_otel.emit import Telemetry, storage
        from litellm_otel.emit.content import contents_for
        from litellm_otel.emit.distributions import distributions_for
        from litellm_otel.emit.logs import Logs
        from litellm_otel.emit.metrics import Metrics
        from litellm_otel.emit.spans import Spans
        from litellm_otel.lean_spans import lean

        chosen = settings.current()
        tracer = trace.get_tracer(chosen.tracer_name, __version__, providers.get("tracer_provider"))
        meter_provider = providers.get("meter_provider") or metrics.get_meter_provider()
        if meter_provider is not metrics.get_meter_provider():
            storage.keep_in_lists()
        meter = metrics.get_meter(chosen.meter_name, __version__, meter_provider)
        logger = get_logger(
            chosen.logger_name, __version__, logger_provider=providers.get("logger_provider")
        )
        distribution = distributions_for(meter, meter_provider, chosen.meter_name, __version__)
        counted = Metrics(
            meter,
            distribution,
            self._in_flight,
            self._hooks,
        )
        telemetry = Telemetry(
            Spans(lean(tracer)),
            counted,
            Logs(logger, chosen.slow_request_threshold),
            later=lambda seconds, work: recorder.deferred.after(seconds, work),
            contents=contents_for(logger, chosen.content),
        )
        recorder.emitter = telemetry
        if chosen.process_metrics:
            from litellm_otel import process_metrics

            process_metrics.start(meter, distribution, recorder)
            wrapt.when_imported("litellm.proxy.proxy_server")(process_metrics.watch_lifespan)

        def forked() -> None:
            counted.after_fork()
            telemetry.after_fork()

        def drain(_: float) -> None:
            telemetry.drain()

        lifecycle.on_fork(forked)
        lifecycle.register_flush(drain)
        if telemetry.contents is not None:
            telemetry.contents.watch_process()

    def _in_flight(self) -> int | None:
        recorder = self._recorder
        if recorder is None or not (recorder.serves and recorder.active):
            return None
        return recorder.in_flight

    def _hooks(self) -> dict[str, str]:
        return self._seams.status if self._seams is not None else {}

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._recorder is not None:
            self._recorder.active = False
        if self._seams is not None:
            self._seams.remove()
