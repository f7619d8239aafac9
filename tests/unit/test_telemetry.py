"""What has ended waits for company, and not for ever."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from litellm_otel.emit.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable


class Silent:
    """Spans, metrics or logs that are told everything and do nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Silent()

    def __call__(self, *_: object) -> None: ...


def test_what_comes_while_the_last_is_done_is_not_left() -> None:
    due: list[Callable[[], None]] = []

    class Waiting(deque[Any]):
        def append(self, item: Any) -> None:
            """Another thread comes first, and does what is due."""
            while due:
                due.pop()()
            super().append(item)

    silent: Any = Silent()
    telemetry = Telemetry(silent, silent, silent, lambda _, work: due.append(work))
    telemetry._waiting = Waiting()
    record: Any = object()
    for _ in range(3):
        telemetry.call_ended(record)
        assert len(telemetry._waiting) == 1
        assert due, "somebody is to look for it"
    due.pop()()
    assert not telemetry._waiting
