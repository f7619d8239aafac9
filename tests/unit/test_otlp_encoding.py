"""Our encoders make of anything exactly what the installed library's make, and give way if not."""

from __future__ import annotations

import logging
import threading
from random import Random
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common import _log_encoder, trace_encoder
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from litellm_otel.otlp import logs, spans
from litellm_otel.otlp.exporters import CHECKED_BATCHES, Checked
from litellm_otel.otlp.values import MAX_REMEMBERED_LENGTH, REMEMBERED
from litellm_otel.otlp.wire import delimited, varint
from tests.unit import otlp_generated as generated

SIGNALS = {
    "spans": (generated.span, spans.encode_spans, trace_encoder.encode_spans),
    "logs": (generated.log, logs.encode_logs, _log_encoder.encode_logs),
}
ATTRIBUTES: dict[str, Any] = {"spans": spans._ATTRIBUTES, "logs": logs._ATTRIBUTES}


@pytest.fixture(params=SIGNALS)
def signal(request: pytest.FixtureRequest) -> str:
    return request.param


def batch(signal: str, seed: int, size: int = 12) -> list[Any]:
    random = Random(seed)
    return [SIGNALS[signal][0](random) for _ in range(size)]


@pytest.mark.parametrize("seed", range(80))
def test_generated_batches_encode_to_the_very_bytes_of_the_library(signal: str, seed: int) -> None:
    _, ours, library = SIGNALS[signal]
    items = batch(signal, seed)
    expected = library(items)
    for encoded in (ours(items), ours(items)):  # the second time from what is remembered
        assert encoded == expected
        assert type(encoded) is type(expected)
        assert encoded.SerializeToString() == expected.SerializeToString()


def test_an_empty_batch_is_an_empty_request(signal: str) -> None:
    _, ours, library = SIGNALS[signal]
    assert ours([]) == library([])


@pytest.mark.parametrize("pair", [(True, 1), (1, 1.0), (0, False), (0.0, -0.0), ("a", b"a")])
def test_equal_values_of_different_kinds_stay_apart(signal: str, pair: tuple[Any, Any]) -> None:
    _, ours, library = SIGNALS[signal]
    for value in (*pair, *pair):
        items = batch(signal, 1, 1)
        _set_attributes(items[0], {"same.key": value})
        assert ours(items).SerializeToString() == library(items).SerializeToString()


def test_spans_of_the_real_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("litellm_otel", "0.1.0", attributes={"a": "b"})
    with tracer.start_as_current_span("outer", attributes={"n": 1, "s": ["a"]}) as outer:
        outer.add_event("cooldown", {"seconds": 1.5})
        with pytest.raises(ValueError, match="no"), tracer.start_as_current_span("inner"):
            raise ValueError("no")
    items = kept.get_finished_spans()
    assert len(items) == 2
    assert spans.encode_spans(items) == trace_encoder.encode_spans(items)


@pytest.mark.parametrize("unfit", generated.UNFIT, ids=lambda unfit: type(unfit).__name__)
def test_what_does_not_fit_is_left_to_the_library_and_nothing_else_is_lost(
    signal: str, unfit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    _, ours, library = SIGNALS[signal]
    items = batch(signal, 2)
    _set_attributes(items[5], {"before": 1, "unfit": unfit, "after": 2})
    checked = Checked(ours, library)
    with caplog.at_level(logging.CRITICAL):
        assert checked(items) == library(items)
    assert checked.trusted
    fit = batch(signal, 3)
    assert checked(fit) == library(fit)


def test_an_attribute_mapping_of_another_kind_is_left_to_the_library(signal: str) -> None:
    from collections import ChainMap
    from collections.abc import Iterator, Mapping

    class Odd(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return 1

        def __iter__(self) -> Iterator[str]:
            return iter(("a",))

        def __len__(self) -> int:
            return 1

    _, ours, library = SIGNALS[signal]
    for odd in (Odd(), ChainMap({"a": 1}, {"b": 2})):
        items = batch(signal, 2)
        _set_attributes(items[0], odd)
        assert Checked(ours, library)(items) == library(items)


def test_a_library_that_encodes_otherwise_is_believed(
    signal: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, ours, library = SIGNALS[signal]

    def newer(items: Any) -> Any:
        message = library(items)
        for resource in getattr(message, message.DESCRIPTOR.fields[0].name):
            resource.schema_url = "https://opentelemetry.io/schemas/9.9.9"
        return message

    checked = Checked(ours, newer)
    with caplog.at_level(logging.DEBUG, "litellm_otel"):
        for seed in range(3):
            items = batch(signal, seed)
            assert checked(items) == newer(items)
    assert not checked.trusted
    assert len([r for r in caplog.records if "encodes differently" in r.message]) == 1


def test_only_the_first_batches_are_checked() -> None:
    calls: list[int] = []

    def library(items: Any) -> Any:
        calls.append(len(items))
        return "encoded"

    checked = Checked(lambda _: "encoded", library)
    for _ in range(CHECKED_BATCHES * 2):
        assert checked([1, 2, 3]) == "encoded"
    assert calls == [1] * CHECKED_BATCHES


def test_what_is_remembered_is_bounded_in_number_and_size(signal: str) -> None:
    _, ours, _ = SIGNALS[signal]
    remembered = ATTRIBUTES[signal]._remembered
    remembered.cache_clear()
    items = batch(signal, 4, 1)
    long = "x" * (MAX_REMEMBERED_LENGTH + 1)
    _set_attributes(items[0], {"long": long, "float": 0.5, "list": ("a",), "none": None})
    ours(items)
    assert remembered.cache_info().currsize == 0
    for number in range(REMEMBERED + 500):
        _set_attributes(items[0], {"call": f"id-{number}"})
        ours(items)
    assert remembered.cache_info().currsize == REMEMBERED


def test_threads_encode_at_the_same_time(signal: str) -> None:
    _, ours, library = SIGNALS[signal]
    batches = [batch(signal, seed) for seed in range(8)]
    expected = [library(items) for items in batches]
    wrong: list[int] = []

    def run() -> None:
        for _ in range(10):
            wrong.extend(n for n, items in enumerate(batches) if ours(items) != expected[n])

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (16384, "808001"),
        (2**32, "8080808010"),
    ],
)
def test_lengths_are_written_as_protobuf_has_them(number: int, expected: str) -> None:
    assert varint(number).hex() == expected


def test_a_field_is_its_tag_its_length_and_its_content() -> None:
    assert delimited(b"\x0a", b"abc") == b"\x0a\x03abc"


def _set_attributes(item: Any, attributes: Any) -> None:
    if isinstance(item, ReadableSpan):
        item._attributes = attributes
    else:
        item.log_record.attributes = attributes
