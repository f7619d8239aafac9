"""How a request ended, told from its HTTP status and from what happened in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litellm_otel.model import ErrorKind, Outcome

if TYPE_CHECKING:
    from litellm_otel.model import Request

CLIENT_FAULT_STATUS_CODES = frozenset({400, 413, 422})
"""Statuses with which a provider says that the request itself is wrong."""


def outcome_of_request(request: Request) -> str:
    """How a proxied request ended, from its HTTP status and what happened in it.

    A refusal (4xx) counts as ``rejected`` unless a provider or the Router caused it: no client can
    help a provider's rate limit or a deployment with a wrong key.
    """
    status = request.status_code
    calls = request.calls
    if request.disconnected or status == 499:
        return Outcome.CLIENT_DISCONNECTED
    if status is None or status >= 500:
        return Outcome.ERROR
    if status >= 400:
        failed = bool(calls) and calls[-1].outcome == Outcome.ERROR
        return (
            Outcome.ERROR
            if failed and status not in CLIENT_FAULT_STATUS_CODES
            else Outcome.REJECTED
        )
    failure = request.failure
    if failure is not None:
        # After the status had been sent: a stream that failed, or was refused by a guardrail.
        refused = (
            failure.kind == ErrorKind.GUARDRAIL or failure.status_code in CLIENT_FAULT_STATUS_CODES
        )
        return Outcome.REJECTED if refused else Outcome.ERROR
    if calls and calls[-1].outcome not in ("", Outcome.REJECTED):
        return calls[-1].outcome
    return Outcome.COMPLETED
