"""A lean span is the SDK's span in everything that a processor or an exporter can see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from litellm_otel.lean_spans import LeanSpan, LeanTracer, lean
from tests.unit.counted_ids import Counted


def exported(work: Callable[[Any, Any], None], *, leanly: bool, **provider: Any) -> Any:
    """What is exported, encoded, of a span that `work` is done on, below a parent."""
    exporter = InMemorySpanExporter()
    made = TracerProvider(id_generator=Counted(), shutdown_on_exit=False, **provider)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = made.get_tracer("scope", "1", attributes={"scope": "attribute"})
    with tracer.start_as_current_span("parent"):
        used = lean(tracer) if leanly else tracer
        span = used.start_span("child", kind=SpanKind.CLIENT, attributes={"a": 1}, start_time=1000)
        assert isinstance(span, LeanSpan) is leanly
        work(span, tracer)
        span.end(2000)
    child = next(item for item in exporter.get_finished_spans() if item.name != "parent")
    request = encode_spans([child])
    request.resource_spans[0].resource.Clear()
    # The SDK moves an attribute that is set again to the end; attributes have no order.
    request.resource_spans[0].scope_spans[0].spans[0].attributes.sort(key=lambda item: item.key)
    return request


def attributes(span: Any, _: Any) -> None:
    span.set_attribute("text", "word")
    span.set_attribute("bad", object())
    span.set_attribute("list", ["a", "b"])
    span.set_attribute("mixed", ["a", 1])
    span.set_attributes({"tuple": ("x", "y"), "float": 1.5, "yes": True, "bytes": b"raw"})
    span.set_attribute("text", "other word")


def events(span: Any, _: Any) -> None:
    span.add_event("one", {"n": 1}, 1500)
    span.add_event("two", None, 1600)


def links(span: Any, tracer: Any) -> None:
    span.add_link(tracer.start_span("linked").get_span_context(), {"why": "test"})


def status_error(span: Any, _: Any) -> None:
    span.set_status(Status(StatusCode.ERROR, "it broke"))
    span.set_status(StatusCode.UNSET)


def status_ok_is_final(span: Any, _: Any) -> None:
    span.set_status(StatusCode.OK)
    span.set_status(StatusCode.ERROR, "too late")


def renamed(span: Any, _: Any) -> None:
    span.update_name("another")


def after_the_end(span: Any, _: Any) -> None:
    span.end(1900)
    span.set_attribute("late", 1)
    span.add_event("late")
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    span.end(9999)


def many_attributes(span: Any, _: Any) -> None:
    for number in range(10):
        span.set_attribute(f"key{number}", number)


def many_events(span: Any, _: Any) -> None:
    for number in range(10):
        span.add_event(f"event{number}", None, number)


@pytest.mark.parametrize(
    ("work", "provider"),
    [
        (attributes, {}),
        (events, {}),
        (links, {}),
        (status_error, {}),
        (status_ok_is_final, {}),
        (renamed, {}),
        (after_the_end, {}),
        (many_attributes, {"span_limits": SpanLimits(max_span_attributes=4)}),
        (many_events, {"span_limits": SpanLimits(max_events=3)}),
    ],
    ids=lambda value: getattr(value, "__name__", "limits" if value else "default"),
)
def test_equal_to_the_sdk(work: Callable[[Any, Any], None], provider: dict[str, Any]) -> None:
    assert exported(work, leanly=True, **provider) == exported(work, leanly=False, **provider)


def test_an_exception_is_recorded_as_the_sdk_does() -> None:
    def raising(span: Any, _: Any) -> None:
        try:
            raise ValueError("wrong")
        except ValueError as error:
            span.record_exception(error, timestamp=1500)

    assert exported(raising, leanly=True) == exported(raising, leanly=False)


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("parent", [None, 0, 1, 2, 3], ids=lambda flags: f"flags {flags}")
def test_the_samplers_word(decision: Decision, parent: int | None) -> None:
    """Of roots and of children of remote parents: the same context, recording, ids and processors' calls."""

    class Deciding(Sampler):
        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, *_: Any, **__: Any
        ) -> SamplingResult:
            return SamplingResult(decision, {"sampled.by": "me"}, TraceState([("a", "b")]))

        def get_description(self) -> str:
            return "deciding"

    class Watching(SpanProcessor):
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            around = trace.get_current_span(parent_context).get_span_context()
            self.seen.append(("started", span.get_span_context(), around))

        def on_end(self, span: Any) -> None:
            self.seen.append(("ended", span.parent, dict(span.attributes)))

    def begun(*, leanly: bool) -> tuple[Any, ...]:
        provider = TracerProvider(
            sampler=Deciding(), id_generator=Counted(), shutdown_on_exit=False
        )
        watching = Watching()
        provider.add_span_processor(watching)
        tracer = provider.get_tracer("t")
        context = Context()
        if parent is not None:
            remote = SpanContext(5, 6, True, TraceFlags(parent))
            context = trace.set_span_in_context(NonRecordingSpan(remote), context)
        span = (lean(tracer) if leanly else tracer).start_span("one", context, SpanKind.SERVER)
        if span.is_recording():
            assert isinstance(span, LeanSpan) is leanly
        span.end()
        again = (lean(tracer) if leanly else tracer).start_span("two", context)
        return span.get_span_context(), span.is_recording(), again.get_span_context(), watching.seen

    assert begun(leanly=True) == begun(leanly=False)


def test_attributes_of_the_sampler_are_kept() -> None:
    class Adding(Sampler):
        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, *_: Any, **__: Any
        ) -> SamplingResult:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {"sampled.by": "me"})

        def get_description(self) -> str:
            return "adding"

    def nothing(span: Any, _: Any) -> None: ...

    given = {"sampler": Adding()}
    assert exported(nothing, leanly=True, **given) == exported(nothing, leanly=False, **given)


def test_processors_see_it_start_and_end() -> None:
    seen: list[tuple[str, Any]] = []

    class Watching(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            span.set_attribute("by.processor", "yes")
            seen.append(("start", span.name))

        def on_end(self, span: Any) -> None:
            seen.append(("end", dict(span.attributes)))

    provider = TracerProvider()
    provider.add_span_processor(Watching())
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("root"):
        lean(tracer).start_span("child").end()
    assert ("start", "child") in seen
    assert ("end", {"by.processor": "yes"}) in seen


def test_a_length_limit_is_the_sdks_to_keep() -> None:
    tracer = TracerProvider(span_limits=SpanLimits(max_span_attribute_length=5)).get_tracer("t")
    assert lean(tracer) is tracer


def test_a_tracer_that_is_not_the_sdks_is_left_alone() -> None:
    tracer = trace.NoOpTracer()
    assert lean(tracer) is tracer


def test_it_is_the_current_span_like_any_other() -> None:
    tracer = TracerProvider().get_tracer("t")
    used = lean(tracer)
    assert isinstance(used, LeanTracer)
    with tracer.start_as_current_span("root") as root:
        span = used.start_span("child")
        with trace.use_span(span, end_on_exit=True):
            assert trace.get_current_span() is span
            grandchild = tracer.start_span("grandchild")
    assert span.get_span_context().trace_id == root.get_span_context().trace_id
    assert grandchild.parent.span_id == span.get_span_context().span_id  # type: ignore[attr-defined]
    assert not span.is_recording()


def test_links_at_the_start_are_the_sdks() -> None:
    tracer = TracerProvider().get_tracer("t")
    with tracer.start_as_current_span("root") as root:
        span = lean(tracer).start_span("child", links=[Link(root.get_span_context())])
    assert not isinstance(span, LeanSpan)
