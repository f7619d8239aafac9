"""What a span says of how something ended, in a form that tests compare whole."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import StatusCode

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from tests.component.calls.recorded import Recorded

SOON = 3.0
"""Seconds that a span may end after the moment at which its user saw it end."""
COLLECTED = 30.0
"""The same where only the garbage collector, and then a thread in the background, can tell."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A span: what it is of, how that ended, and why it was made."""

    name: str
    outcome: str = "completed"
    error: str | None = None
    """``error.type`` and ``litellm.error.kind``, as in ``RateLimitError/quota``."""
    kind: str = "CLIENT"
    number: int | None = 1
    reason: str | None = None
    """``litellm.attempt.reason`` and what came before, as in ``retry after RateLimitError``."""

    @property
    def failed(self) -> bool:
        return self.outcome in ("error", "rejected")


def shape(name: str, kind: str, given: dict[str, Any]) -> Shape:
    error, reason = given.get("error.type"), given.get("litellm.attempt.reason")
    previous = given.get("litellm.attempt.previous_error")
    return Shape(
        name,
        given.get("litellm.outcome", "none"),
        f"{error}/{given.get('litellm.error.kind')}" if error else None,
        kind,
        given.get("litellm.attempt.number"),
        f"{reason} after {previous}" if previous else reason,
    )


def shape_of(span: ReadableSpan) -> Shape:
    made = shape(span.name, span.kind.name, dict(span.attributes or {}))
    assert (span.status.status_code is StatusCode.ERROR) == made.failed, span.name
    return made


def route(group: str, **more: Any) -> Shape:
    return Shape(f"route {group}", kind="INTERNAL", number=None, **more)


def check(
    recorded: Recorded,
    *expected: Shape,
    status: str,
    since: float | None = None,
    latest: float | None = None,
    waited: bool = False,
) -> None:
    """These spans, one count and one record.

    ``since``, ``latest``: when, or between what times, the user saw it end. ``waited``: LiteLLM let time
    pass between the last attempt and that.
    """
    spans = recorded.spans()
    assert [shape_of(span) for span in spans] == list(expected)
    root = spans[0]
    for span in spans[1:]:
        assert span.parent is not None
        assert span.parent.span_id == root.context.span_id
    counted = recorded.increments("litellm.requests")
    assert [(dict(labels)["status"], count) for labels, count in counted.items()] == [(status, 1)]
    (record,) = recorded.requests()
    given = dict(record.attributes)
    deciding = shape_of(root if root.name.startswith("route ") else spans[-1])
    assert given["litellm.status"] == status
    assert record.trace_id == root.context.trace_id
    assert given.get("error.type") == (
        deciding.error.partition("/")[0] if deciding.error and deciding.failed else None
    )
    failed = [span for span in spans if "error.type" in dict(span.attributes or {})]
    attempts = [span for span in failed if not span.name.startswith("route ")]
    assert sum(recorded.increments("litellm.provider.errors").values()) == len(attempts)
    if since is not None:
        soon = COLLECTED if deciding.outcome == "abandoned" else SOON
        for end in (root if waited else spans[-1]).end_time, root.end_time, record.timestamp:
            # LiteLLM may import for seconds what it hands an error on by, before its user sees that.
            assert recorded.began < (end or 0) / 1e9 < (latest or since) + soon
    assert (record.timestamp or 0) <= time.time_ns()
