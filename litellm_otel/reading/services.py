"""The arguments of LiteLLM's service hooks → a service event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litellm_otel.model import ServiceEvent
from litellm_otel.reading.shapes import field_of, number_of

# In the order of the hooks' parameters.
_SUCCESS: Final = ("service", "call_type", "duration")
_FAILURE: Final = ("service", "duration", "error", "call_type")


def service_event(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], *, failed: bool
) -> ServiceEvent:
    """What one use of a service tells. ``failed``: from the hook for failures."""
    given = kwargs
    if args:
        given = {**dict(zip(_FAILURE if failed else _SUCCESS, args, strict=False)), **kwargs}
    service = given.get("service")
    metadata = given.get("event_metadata")
    size = number_of(field_of(metadata, "gauge_value")) if metadata else None
    error = given.get("error") if failed else None
    return ServiceEvent(
        service=str(getattr(service, "value", service)),
        seconds=number_of(given.get("duration")),
        function=str(given.get("call_type") or ""),
        error_class=type(error).__name__ if failed else None,
        size=size,
        sized=str(field_of(metadata, "gauge_labels") or "") if size is not None else "",
    )
