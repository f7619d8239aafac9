"""What of a request's context goes on to others: its trace, but not its baggage.

OpenTelemetry's propagators send the caller's baggage on with every HTTP request. Here these go to
providers: companies that have no business with whatever callers put into it, names of users, say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import baggage

from litellm_otel import settings

if TYPE_CHECKING:
    from opentelemetry.context import Context


def without_baggage(context: Context) -> Context:
    """The context as providers may see it."""
    if not baggage.get_all(context) or settings.current().baggage_to_providers:
        return context
    return baggage.clear(context)
