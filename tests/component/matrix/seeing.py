"""What a row's request left behind, and whether it is what its way is to leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.component.matrix.ways import GOOD, Ending
from tests.conventions import misfits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.component.matrix.asking import Asked
    from tests.component.matrix.rows import Row
    from tests.component.matrix.site import Site

_KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT"}
OURS = "litellm_otel"
_FAILED = 2


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    kind: str
    failed: bool
    own: bool
    """Whether it is one of a call's, not of an HTTP client's or of another package's."""
    id: bytes
    parent: bytes
    start: int
    attributes: dict[str, Any]
    events: tuple[tuple[str, dict[str, Any]], ...] = ()

    @property
    def ending(self) -> Ending:
        return ending_of(self.attributes, self.kind)


def ending_of(given: dict[str, Any], kind: str) -> Ending:
    error, reason = given.get("error.type", ""), given.get("litellm.attempt.reason", "")
    if "litellm.error.kind" in given:
        error = f"{error}/{given['litellm.error.kind']}"
    if reason and "litellm.attempt.previous_error" in given:
        reason = f"{reason} after {given['litellm.attempt.previous_error']}"
    return Ending(given.get("litellm.outcome", "none"), error, kind, reason)


@dataclass(slots=True)
class Seen:
    """Everything that came of one request."""

    asked: Asked
    spans: list[Span] = field(default_factory=list[Span])
    records: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def collect(site: Site, asked: dict[str, Asked]) -> dict[str, Seen]:
    """What has arrived by now, by the rows' keys."""
    by_trace = {answer.trace: Seen(answer) for answer in asked.values()}
    for item in site.sink.spans:
        seen = by_trace.get(item.data.trace_id.hex())
        if seen is not None:
            seen.spans.append(_span(item))
    for item in site.sink.logs:
        seen = by_trace.get(item.data.trace_id.hex())
        if seen is not None and item.data.event_name == "litellm.request":
            seen.records.append(item.attributes)
    for seen in by_trace.values():
        seen.spans.sort(key=lambda span: span.start)
    return {key: by_trace[answer.trace] for key, answer in asked.items()}


def _span(item: Any) -> Span:
    from tests.component.otlp_sink import attributes

    data = item.data
    return Span(
        data.name,
        _KINDS[data.kind],
        data.status.code == _FAILED,
        item.scope == OURS,
        data.span_id,
        data.parent_span_id,
        data.start_time_unix_nano,
        item.attributes,
        tuple((event.name, attributes(event)) for event in data.events),
    )


def is_there(row: Row, seen: Seen) -> bool:
    """Whether as much has come as is to come."""
    own = [span for span in seen.spans if span.own]
    wanted = len(row.way.attempts) + (row.call is not None)
    return (
        len(own) >= wanted
        and any(span.kind == "SERVER" for span in seen.spans)
        and bool(seen.records)
    )


def differences(row: Row, seen: Seen) -> Iterator[str]:
    """What is not as it is to be."""
    asked, way = seen.asked, row.way
    if (asked.status, asked.broken) != (way.status, way.broken):
        yield f"answer: {asked.status}{' broken' * asked.broken}, not {way.status}: {asked.body[:300]}"
    servers = [span for span in seen.spans if span.kind == "SERVER"]
    if len(servers) != 1 or len(seen.records) != 1:
        yield f"{len(servers)} server spans and {len(seen.records)} records"
        return
    yield from _of_server(row, seen, servers[0])
    yield from _of_calls(row, seen, servers[0])
    yield from _of_record(row, seen, servers[0])
    yield from _of_others(row, seen)


def _of_server(row: Row, seen: Seen, server: Span) -> Iterator[str]:
    way = row.way
    wanted = Ending(way.request.outcome, way.answers_error or way.request.error, "SERVER")
    if server.name != row.route.name:
        yield f"server span: {server.name}, not {row.route.name}"
    if server.parent.hex() != seen.asked.parent:
        yield "server span: it is not the client's child"
    if server.ending != wanted:
        yield f"server span: {server.ending}, not {wanted}"
    if server.failed is not (wanted.outcome == "error" or way.broken):
        yield f"server span: its status is {'an error' if server.failed else 'none'}"
    yield from misfits(
        {
            name: value
            for name, value in server.attributes.items()
            if name.startswith(("litellm.", "gen_ai."))
        }
    )


def _of_calls(row: Row, seen: Seen, server: Span) -> Iterator[str]:
    """The Router's call below the server span, the attempts below that, each once."""
    own = [span for span in seen.spans if span.own]
    calls = [span for span in own if span.name == f"route {row.called}"]
    attempts = [span for span in own if span not in calls]
    wanted = [] if row.call is None else [row.call]
    if [span.ending for span in calls] != wanted:
        yield f"calls: {[span.ending for span in calls]}, not {wanted}"
    if [span.ending for span in attempts] != list(row.way.attempts):
        yield f"attempts: {[span.ending for span in attempts]}, not {list(row.way.attempts)}"
    name = row.way.attempt or row.route.attempt
    names = {span.name for span in attempts} - {name}
    if names:
        yield f"attempts: {names}, not {name}"
    cools = any(
        event == "litellm.deployment.cooldown" for span in attempts for event, _ in span.events
    )
    if cools is not row.way.cools:
        yield f"cooldown: {cools}"
    above = calls[0] if calls else server
    for number, span in enumerate(attempts, 1):
        if span.parent != above.id:
            yield f"attempts: not below {above.name}"
        if span.attributes.get("litellm.attempt.number") != number:
            yield f"attempts: {span.attributes.get('litellm.attempt.number')} for {number}"
    for span in calls:
        if span.parent != server.id:
            yield "call: not below the server span"
    for span in own:
        if span.failed is not (span.ending.outcome in ("error", "rejected")):
            yield f"{span.name}: its status does not say how it ended"
        yield from misfits(span.attributes)
        for _, given in span.events:
            yield from misfits(given)


def _of_record(row: Row, seen: Seen, server: Span) -> Iterator[str]:
    (told,) = seen.records
    way = row.way
    ending = Ending(told["litellm.outcome"], _error_of(told), "CLIENT")
    if ending != way.request:
        yield f"record: {ending}, not {way.request}"
    if told["litellm.status"] != row.status:
        yield f"record: {told['litellm.status']}, not {row.status}"
    if told["litellm.attempts"] != len(way.attempts):
        yield f"record: {told['litellm.attempts']} attempts"
    if way.status and told.get("http.response.status_code") != way.status:
        yield f"record: answered {told.get('http.response.status_code')}"
    if server.attributes.get("litellm.model_group", "") != row.label:
        yield f"model group: {server.attributes.get('litellm.model_group')}, not {row.label}"
    yield from misfits(told)


def _error_of(told: dict[str, Any]) -> str:
    return f"{told['error.type']}/{told.get('litellm.error.kind')}" if "error.type" in told else ""


def _of_others(row: Row, seen: Seen) -> Iterator[str]:
    """HTTP requests, and spans of other packages, are made in an attempt."""
    by_id = {span.id: span for span in seen.spans}
    others = [span for span in seen.spans if not span.own and span.kind != "SERVER"]
    for span in others:
        above = by_id.get(span.parent)
        while above is not None and not above.own:
            above = by_id.get(above.parent)
        if above is None or "litellm.attempt.number" not in above.attributes:
            yield f"{span.name} is in no attempt"
    if row.way.attempts and row.way.attempts[0] == GOOD and not row.route.native and not others:
        yield "no HTTP request in the attempt"
