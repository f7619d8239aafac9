"""What the instrumentation emitted, kept in memory."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable
from typing import Any, TypeVar

import wrapt
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from litellm_otel.emit.collection import prepare
from litellm_otel.instrumentor import FIRST_MODULE, LiteLLMInstrumentor
from stack import waiting
from tests.conventions import misfits

T = TypeVar("T")
DEADLINE = 60.0


class _Open(SpanProcessor):
    """The names of spans that were started and have not ended, by their ids."""

    def __init__(self) -> None:
        self.spans: dict[int, str] = {}

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.spans[span.get_span_context().span_id] = span.name

    def on_end(self, span: ReadableSpan) -> None:
        # It may be one that a test has given up, which another thread ends only now.
        self.spans.pop(span.get_span_context().span_id, None)


class Recorded:
    """In-memory providers and the instrumentor that feeds them."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._logs = InMemoryLogRecordExporter()
        self._reader = InMemoryMetricReader()
        self.open = _Open()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(self.open)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        prepare()
        self.meter_provider = MeterProvider([self._reader])
        self.logger_provider = LoggerProvider()
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self.instrumentor = LiteLLMInstrumentor()
        self._before: dict[tuple[str, frozenset[tuple[str, Any]]], float] = {}
        self.untold: set[int] = set()
        """The requests, by their ids, that have begun and have no record yet."""
        self.began = 0.0
        """When it was cleared last: nothing that is in it is older."""

    def start(self) -> None:
        self.instrumentor.instrument(
            tracer_provider=self.tracer_provider,
            meter_provider=self.meter_provider,
            logger_provider=self.logger_provider,
        )
        # It has something to tell to when LiteLLM is imported, by a hook that was there before this one.
        wrapt.register_post_import_hook(lambda _: self._watch_requests(), FIRST_MODULE)

    def _watch_requests(self) -> None:
        recorder: Any = self.instrumentor._recorder
        opened, settled = recorder._request_opened, recorder.emitter.request_settled

        def begin(request: Any) -> None:
            self.untold.add(id(request))
            opened(request)

        def end(request: Any) -> None:
            settled(request)
            self.untold.discard(id(request))

        recorder._request_opened, recorder.emitter.request_settled = begin, end

    def stop(self) -> None:
        self.instrumentor.uninstrument()

    @property
    def streams_are_open(self) -> bool:
        recorder: Any = self.instrumentor._recorder
        return bool(recorder._open_streams)

    def clear(self) -> None:
        self.settle()
        self._spans.clear()
        self._logs.clear()
        self._before = self._totals()
        self.began = time.time()

    def settle(self, *, at_once: bool = False) -> None:
        """Until nothing is open and every request has its record.

        ``at_once``: without what LiteLLM may yet tell of calls that have ended.
        """
        recorder: Any = self.instrumentor._recorder

        looks = itertools.count(1)

        def settled() -> bool:
            if at_once:
                recorder.flush()
            # Before what is waiting is done: another thread may be about to add the last of it.
            told = not self.untold
            recorder.emitter.drain()
            if next(looks) % 50 == 0:
                gc.collect()  # a thread of LiteLLM's may have held on to a dropped stream
            return told and not self.open.spans

        try:
            until(settled)
        except waiting.NotInTime as never:
            left = f"open spans: {self.open.spans}, requests without a record: {len(self.untold)}"
            raise waiting.NotInTime(left) from never

    def spans(self) -> list[ReadableSpan]:
        """Ended spans in the order of their starts, once none is open."""
        self.settle()
        return sorted(self._spans.get_finished_spans(), key=lambda span: span.start_time or 0)

    def attempts(self) -> list[ReadableSpan]:
        return [span for span in self.spans() if not span.name.startswith("route ")]

    def requests(self) -> list[Any]:
        """The structured records, one a request."""
        self.settle()
        recorder: Any = self.instrumentor._recorder
        until(lambda: not recorder._awaiting or recorder.flush() is None)
        recorder.emitter.drain()
        return [
            item.log_record
            for item in self._logs.get_finished_logs()
            if item.log_record.event_name == "litellm.request"
        ]

    def _totals(self) -> dict[tuple[str, frozenset[tuple[str, Any]]], float]:
        data = self._reader.get_metrics_data()
        totals: dict[tuple[str, frozenset[tuple[str, Any]]], float] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        key = metric.name, frozenset((point.attributes or {}).items())
                        value: Any = getattr(point, "value", None)
                        totals[key] = point.count if value is None else value
        return totals

    def increments(self, name: str) -> dict[frozenset[tuple[str, Any]], float]:
        """What was added to each series of a metric since `clear`; of a histogram, the count."""
        self.settle()
        return {
            attributes: value - self._before.get((metric, attributes), 0)
            for (metric, attributes), value in self._totals().items()
            if metric == name and value != self._before.get((metric, attributes), 0)
        }

    def values(self, name: str) -> dict[frozenset[tuple[str, Any]], float]:
        """Each series of a metric as it is now."""
        self.settle()
        totals = self._totals().items()
        return {attributes: value for (metric, attributes), value in totals if metric == name}

    def misfits(self) -> set[str]:
        """Attributes of what has been emitted that are not as the conventions, or our docs, say."""
        found: set[str] = set()
        for span in self._spans.get_finished_spans():
            found.update(misfits(span.attributes))
            for event in span.events:
                found.update(misfits(event.attributes))
        for item in self._logs.get_finished_logs():
            if item.log_record.event_name:
                found.update(misfits(item.log_record.attributes))
        return found

    def everything(self) -> str:
        """All that left, as text to look for what must not be in it."""
        self.settle()
        return "\n".join(
            [
                *(span.to_json() for span in self.spans()),
                *(item.to_json() for item in self._logs.get_finished_logs()),
                str(self._totals()),
            ]
        )


def until(done: Callable[[], T]) -> T:
    """The first true answer, within `DEADLINE` seconds."""
    return waiting.until(done, what="a true answer", timeout=DEADLINE, interval=0.01)
