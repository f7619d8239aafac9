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
    """Why an attempt failed, for alerting: the ``kind`` label of ``litellm_provider_errors_total``."""

    RATE_LIMIT: Final = "rate_limit"
    QUOTA: Final = "quota"
    AUTH: Final = "auth"
    TIMEOUT: Final = "timeout"
    CONNECTION: Final = "connection"
    SERVER: Final = "server"
    BAD_REQUEST: Final = "bad_request"
    OTHER: Final = "other"
