"""Datadog's own protocols, which its Agent and its exporter speak: series, sketches, traces, APM
statistics, logs and the metadata of hosts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgpack
from google.protobuf.message import DecodeError

from .datadog_payloads import AgentPayload, MetricPayload, SketchPayload
from .datadog_series import Series, Type

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
_TYPES: Mapping[int, Type] = {1: "count", 2: "rate", 3: "gauge"}
_LONGEST_NAME, _LONGEST_TAG = 200, 200
_OLDEST, _NEWEST = 3600, 600
"""Seconds back and ahead; what is further away is not taken."""
_MOST_LOGS = 1000


class Refused(ValueError):
    """What the intake answers a 400 to."""


@dataclass(frozen=True)
class ApmSpan:
    """A span as APM has it."""

    service: str
    name: str
    resource: str
    type: str
    trace_id: int
    span_id: int
    parent_id: int
    duration: int
    error: bool
    meta: Mapping[str, str]
    metrics: Mapping[str, float]
    env: str
    version: str
    host: str


@dataclass(frozen=True)
class ApmStatistic:
    """Counts of spans of one kind in one bucket of time."""

    service: str
    env: str
    version: str
    name: str
    resource: str
    type: str
    kind: str
    hits: int
    errors: int
    top_level_hits: int
    duration: int
    start: int


def read_series(body: bytes, content_type: str) -> Iterator[Series]:
    """``/api/v2/series``."""
    payload = _protobuf(MetricPayload, body) if content_type == PROTOBUF else _json_series(body)
    for series in payload.series:
        if series.type not in _TYPES:
            raise Refused(f"{series.metric}: type {series.type}")
        if series.type == 2 and not series.interval:
            raise Refused(f"{series.metric}: a rate without an interval")
        hosts = [each.name for each in series.resources if each.type == "host"]
        yield Series(
            _named(series.metric),
            _TYPES[series.type],
            _tagged(series.tags),
            tuple(_timed(series.metric, p.timestamp, p.value) for p in series.points),
            "series",
            hosts[0] if hosts else "",
            series.interval,
        )


def _json_series(body: bytes) -> Any:
    payload = MetricPayload()
    try:
        for given in json.loads(body)["series"]:
            series = payload.series.add(metric=given["metric"], type=given.get("type", 0))
            series.tags.extend(given.get("tags", ()))
            series.interval = given.get("interval", 0)
            for point in given["points"]:
                series.points.add(timestamp=point["timestamp"], value=point["value"])
            for each in given.get("resources", ()):
                series.resources.add(type=each["type"], name=each["name"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"not series: {error!r}") from error
    return payload


def read_sketches(body: bytes) -> Iterator[Series]:
    """``/api/beta/sketches``: distributions."""
    for sketch in _protobuf(SketchPayload, body).sketches:
        points: list[tuple[int, float]] = []
        for each in sketch.dogsketches:
            if len(each.k) != len(each.n) or sum(each.n) != each.cnt:
                raise Refused(f"{sketch.metric}: bins of {sum(each.n)} for {each.cnt} values")
            if each.cnt and not each.min <= each.avg <= each.max:
                raise Refused(f"{sketch.metric}: {each.min}, {each.avg}, {each.max}")
            points.append(_timed(sketch.metric, each.ts, float(each.cnt)))
        name, tags = _named(sketch.metric), _tagged(sketch.tags)
        yield Series(name, "distribution", tags, tuple(points), "sketches", sketch.host)


def read_traces(body: bytes) -> Iterator[ApmSpan]:
    """``/api/v0.2/traces``."""
    payload = _protobuf(AgentPayload, body)
    if payload.idxTracerPayloads:
        raise Refused("traces in a form that is not described here")
    for tracer in payload.tracerPayloads:
        for chunk in tracer.chunks:
            if not chunk.spans:
                raise Refused("a trace without spans")
            if len({span.traceID for span in chunk.spans}) != 1:
                raise Refused("spans of several traces in one")
            for span in chunk.spans:
                if not (span.service and span.name and span.resource):
                    raise Refused("a span without service, name or resource")
                if not (span.traceID and span.spanID) or span.start <= 0 or span.duration < 0:
                    raise Refused(f"{span.name}: ids or times that are none")
                yield ApmSpan(
                    service=span.service,
                    name=span.name,
                    resource=span.resource,
                    type=span.type,
                    trace_id=span.traceID,
                    span_id=span.spanID,
                    parent_id=span.parentID,
                    duration=span.duration,
                    error=bool(span.error),
                    meta=dict(span.meta),
                    metrics=dict(span.metrics),
                    env=span.meta.get("env", "") or tracer.env or payload.env,
                    version=span.meta.get("version", "") or tracer.appVersion,
                    host=tracer.hostname or payload.hostName,
                )


def read_statistics(body: bytes) -> Iterator[ApmStatistic]:
    """``/api/v0.2/stats``: MessagePack."""
    try:
        payload = msgpack.unpackb(body, strict_map_key=False)
        for client in payload["Stats"] or ():
            for bucket in client["Stats"] or ():
                for group in bucket["Stats"] or ():
                    for summary in (group["OkSummary"], group["ErrorSummary"]):
                        if not isinstance(summary, bytes):
                            raise Refused("statistics without a sketch")
                    yield ApmStatistic(
                        service=group["Service"],
                        env=client["Env"] or payload["AgentEnv"],
                        version=client["Version"],
                        name=group["Name"],
                        resource=group["Resource"],
                        type=group["Type"],
                        kind=group.get("SpanKind", ""),
                        hits=group["Hits"],
                        errors=group["Errors"],
                        top_level_hits=group["TopLevelHits"],
                        duration=group["Duration"],
                        start=bucket["Start"],
                    )
    except (KeyError, TypeError, ValueError, msgpack.UnpackException) as error:
        raise Refused(f"not statistics: {error!r}") from error


def read_logs(body: bytes) -> list[dict[str, Any]]:
    """``/api/v2/logs``."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise Refused(f"not JSON: {error}") from error
    logs = given if isinstance(given, list) else [given]
    if len(logs) > _MOST_LOGS:
        raise Refused(f"{len(logs)} logs in a request")
    for log in logs:
        if not isinstance(log, dict) or not isinstance(log.get("message", ""), str):
            raise Refused("a log that is no object with a message")
    # An empty one is how the Agent finds out whether anyone is there.
    return [log for log in logs if log]


def read_host(body: bytes) -> dict[str, Any]:
    """``/intake/``."""
    try:
        host = json.loads(body)
    except ValueError as error:
        raise Refused(f"not JSON: {error}") from error
    if not isinstance(host, dict) or not host.get("internalHostname"):
        raise Refused("metadata without a host's name")
    return host


def _protobuf(kind: Any, body: bytes) -> Any:
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise Refused(f"not protobuf: {error}") from error


def _named(name: str) -> str:
    if not name or len(name) > _LONGEST_NAME or not name[0].isalpha():
        raise Refused(f"a metric of the name {name!r}")
    return name


def _tagged(tags: Iterable[str]) -> frozenset[str]:
    taken = frozenset(tags)
    for tag in taken:
        if not tag or len(tag) > _LONGEST_TAG:
            raise Refused(f"a tag of {len(tag)} characters")
    return taken


def _timed(name: str, at: int, value: float) -> tuple[int, float]:
    now = time.time()
    if not now - _OLDEST < at < now + _NEWEST:
        raise Refused(f"{name}: a point {now - at:.0f} s old")
    return at, value
