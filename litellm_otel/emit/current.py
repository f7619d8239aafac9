"""Making a span the current one for a while."""

from __future__ import annotations

import sys
from contextvars import Token
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import context as otel_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context


def enter(context: Context) -> object:
    """Make `context` current; what is returned goes to `leave`."""
    if "ddtrace.internal.opentelemetry.context" not in sys.modules:
        return otel_context.attach(context)
    active = _datadogs_context()
    before = active.active() if active is not None else None
    token: Any = otel_context.attach(context)
    if isinstance(token, Token) or active is None:
        return cast("object", token)
    return lambda: active.activate(before)


def leave(token: object) -> None:
    """Make current what was before."""
    if isinstance(token, Token):
        otel_context.detach(cast("Token[Context]", token))
    elif callable(token):
        cast("Callable[[], None]", token)()


def _datadogs_context() -> Any:
    # With DD_TRACE_OTEL_ENABLED it keeps OpenTelemetry's context, and knows no way to detach: what
    # comes after an attempt would end up below it.
    return getattr(
        getattr(sys.modules.get("ddtrace.trace"), "tracer", None), "context_provider", None
    )
