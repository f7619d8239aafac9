"""Spans and log records of every shape, from a seed: what an exporter may be given."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from random import Random
from types import MappingProxyType
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)


class Shade(str, Enum):
    """A string that is not just a string."""

    DARK = "dark"


PLAIN: tuple[Any, ...] = (
    *("", "stop", "ünï\u2028cödé \U0001f600", "\x00", "x" * 200, "y" * 20_000, Shade.DARK),
    *(True, False, 0, 1, -1, 2**63 - 1, -(2**63), 127, 128),
    *(0.0, -0.0, 1.0, 1e-300, float("inf"), float("-inf")),
    *(b"", b"\x00\xff\xfe", b"plain"),
    None,
)
UNFIT: tuple[Any, ...] = ("half a pair \ud800", 2**63, -(2**63) - 1, 2**200, object(), {1, 2})
"""What has no place in OTLP: the library leaves out the attribute, and logs that."""


def value(random: Random, depth: int = 0) -> Any:
    """A plain value, or a sequence or mapping of values."""
    kind = random.randrange(12) if depth < 3 else 0
    if kind == 10:
        items = [value(random, depth + 1) for _ in range(random.randrange(4))]
        return random.choice((list, tuple))(items)
    if kind == 11:
        keys = random.sample(["a", "b", "", "ü", 7, None], random.randrange(4))
        pairs = [(key, value(random, depth + 1)) for key in keys]
        return random.choice((dict, OrderedDict, lambda p: MappingProxyType(dict(p))))(pairs)
    return random.choice(PLAIN)


def attributes(random: Random) -> Any:
    """Attributes in the SDK's own mapping, with some dropped or cut, or in a dictionary."""
    given = {f"key.{random.randrange(40)}": value(random) for _ in range(random.randrange(25))}
    kind = random.randrange(4)
    if kind == 0:
        return given
    if kind == 1:
        return BoundedAttributes(random.choice((0, 1, 5, 128)), given, max_value_len=5)
    return BoundedAttributes(128, given, immutable=kind == 2)


def scope(random: Random) -> InstrumentationScope | None:
    return random.choice(
        (
            None,
            InstrumentationScope("bare"),
            InstrumentationScope("litellm_otel", "0.1.0"),
            InstrumentationScope("schema", "1", "https://opentelemetry.io/schemas/1.21.0"),
            InstrumentationScope("rich", "2", None, {"a": 1, "b": ("x", "y"), "c": True}),
            InstrumentationScope("", ""),
        )
    )


def resource(random: Random) -> Resource:
    return random.choice(
        (
            # Made anew each time: equal ones belong together, whether the same object or not.
            Resource({"service.name": "litellm", "process.pid": 7, "tags": ["a", "b"]}),
            Resource({"service.name": "litellm"}, "https://opentelemetry.io/schemas/1.30.0"),
            Resource({}),
        )
    )


def context(random: Random) -> SpanContext:
    state = random.choice((None, TraceState(), TraceState([("a", "1"), ("b@c", "2=3")])))
    return SpanContext(
        random.getrandbits(128) or 1,
        random.getrandbits(64) or 1,
        is_remote=random.random() < 0.5,
        trace_flags=TraceFlags(random.randrange(2)),
        trace_state=state,
    )


def some(random: Random, make: Callable[[], Any]) -> Any:
    """A few, in the SDK's own list, which may have dropped the first ones, or in a plain one."""
    made = [make() for _ in range(random.choice((0, 0, 1, 3)))]
    if random.random() < 0.5:
        return made
    bounded: BoundedList[Any] = BoundedList(2)
    bounded.extend(made)
    return bounded


def span(random: Random) -> ReadableSpan:
    start = random.getrandbits(60)
    return ReadableSpan(
        name=random.choice(("", "chat gpt-4o", "ü" * 300)),
        context=context(random),
        parent=random.choice((None, context(random))),
        resource=resource(random),
        attributes=attributes(random),
        events=some(
            random, lambda: Event(random.choice(("", "exception")), attributes(random), start + 1)
        ),
        links=some(random, lambda: Link(context(random), attributes(random))),
        kind=random.choice(list(SpanKind)),
        status=random.choice(
            (
                Status(StatusCode.UNSET),
                Status(StatusCode.OK),
                Status(StatusCode.ERROR),
                Status(StatusCode.ERROR, "it brökè"),
            )
        ),
        start_time=start,
        end_time=random.choice((start, start + random.getrandbits(40))),
        instrumentation_scope=scope(random),
    )


def log(random: Random) -> ReadableLogRecord:
    active = random.choice((None, set_span_in_context(NonRecordingSpan(context(random)))))
    return ReadableLogRecord(
        LogRecord(
            timestamp=random.choice((None, 0, random.getrandbits(60))),
            observed_timestamp=random.getrandbits(60),
            context=active,
            severity_text=random.choice((None, "", "INFO")),
            severity_number=random.choice((None, *SeverityNumber)),
            body=value(random),
            attributes=random.choice((None, attributes(random))),
            event_name=random.choice((None, "", "litellm.request")),
        ),
        resource=resource(random),
        instrumentation_scope=scope(random),
    )
