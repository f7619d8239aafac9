"""The closed sets of words that records, spans, metrics and logs share."""

from __future__ import annotations

from typing import Final


class Outcome:
    """How a request, call, attempt or stream ended. Exactly one, set once."""

    COMPLETED: Final = "completed"
    """Answered in full."""
    ERROR: Final = "error"
    """A provider, LiteLLM or the network failed it."""
    REJECTED: Final = "rejected"
    """The request itself was refused: by the proxy, or by the provider as malformed."""
    CLIENT_DISCONNECTED: Final = "client_disconnected"
    """The proxy's client went away before the answer was complete."""
    CANCELLED: Final = "cancelled"
    """The task that made the call was cancelled, or its consumer closed the stream early."""
    ABANDONED: Final = "abandoned"
    """Nobody read the stream to its end, nor closed it."""


class Status:
    """The ``status`` label of ``litellm_requests_total`` and ``litellm_request_latency_seconds``."""

    SUCCESS: Final = "success"
    ERROR: Final = "error"
    REJECTED: Final = "rejected"
    CANCELLED: Final = "cancelled"


STATUS_OF_OUTCOME: Final[dict[str, str]] = {
    Outcome.COMPLETED: Status.SUCCESS,
    Outcome.ERROR: Status.ERROR,
    Outcome.REJECTED: Status.REJECTED,
    Outcome.CLIENT_DISCONNECTED: Status.CANCELLED,
    Outcome.CANCELLED: Status.CANCELLED,
    Outcome.ABANDONED: Status.CANCELLED,
}


class ErrorKind:
    """Why something failed, for alerting: ``litellm.error.kind``, and ``kind`` of the provider errors."""

    RATE_LIMIT: Final = "rate_limit"
    QUOTA: Final = "quota"
    AUTH: Final = "auth"
    TIMEOUT: Final = "timeout"
    CONNECTION: Final = "connection"
    SERVER: Final = "server"
    BAD_REQUEST: Final = "bad_request"
    BUDGET: Final = "budget"
    """The proxy's: who asked has spent what they may."""
    GUARDRAIL: Final = "guardrail"
    """The proxy's: a guardrail refused the request or its answer."""
    NO_DEPLOYMENT: Final = "no_deployment"
    """The Router's: every deployment of the group is cooling down or ruled out."""
    OTHER: Final = "other"


class AttemptReason:
    """Why an attempt was made after another one."""

    RETRY: Final = "retry"
    FALLBACK: Final = "fallback"
    CONTEXT_WINDOW_FALLBACK: Final = "context_window_fallback"
    CONTENT_POLICY_FALLBACK: Final = "content_policy_fallback"


FALLBACK_REASONS: Final[dict[str, str]] = {
    "ContextWindowExceededError": AttemptReason.CONTEXT_WINDOW_FALLBACK,
    "ContentPolicyViolationError": AttemptReason.CONTENT_POLICY_FALLBACK,
}
"""By the class of the failure; any other leads to a plain fallback."""
