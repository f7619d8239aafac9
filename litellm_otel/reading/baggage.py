"""W3C baggage that came with a request → the members of it that the settings name.

Anybody can send anything as baggage: only what an operator asked for by name is taken, as it is known to
the context, cut to size and without what looks like a credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import baggage

from litellm_otel.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Members = tuple[tuple[str, str], ...]

MAX_VALUE: Final = 256
"""Characters of a value that are kept."""


def reader(keys: Iterable[str]) -> Callable[[], Members]:
    """Reads the members called so from the current context."""
    wanted = tuple(dict.fromkeys(keys))
    if not wanted:
        return tuple

    def read() -> Members:
        given = baggage.get_all()
        if not given:
            return ()
        return tuple((key, redact(str(given[key])[:MAX_VALUE])) for key in wanted if key in given)

    return read
