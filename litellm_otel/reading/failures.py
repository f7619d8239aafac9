"""An exception → why something failed, in words that may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litellm_otel.model import ErrorKind, Failure, Outcome
from litellm_otel.redaction import safe_message

if TYPE_CHECKING:
    from collections.abc import Iterable

_KIND_OF_CLASS: Final[dict[str, str]] = {
    "RateLimitError": ErrorKind.RATE_LIMIT,
    "RouterRateLimitError": ErrorKind.RATE_LIMIT,
    "AuthenticationError": ErrorKind.AUTH,
    "PermissionDeniedError": ErrorKind.AUTH,
    "Timeout": ErrorKind.TIMEOUT,
    "APITimeoutError": ErrorKind.TIMEOUT,
    "TimeoutError": ErrorKind.TIMEOUT,
    "APIConnectionError": ErrorKind.CONNECTION,
    "InternalServerError": ErrorKind.SERVER,
    "ServiceUnavailableError": ErrorKind.SERVER,
    "BadGatewayError": ErrorKind.SERVER,
    "APIError": ErrorKind.SERVER,
    "BadRequestError": ErrorKind.BAD_REQUEST,
    "UnprocessableEntityError": ErrorKind.BAD_REQUEST,
    "UnsupportedParamsError": ErrorKind.BAD_REQUEST,
    "ContextWindowExceededError": ErrorKind.BAD_REQUEST,
    "ContentPolicyViolationError": ErrorKind.BAD_REQUEST,
    "InvalidRequestError": ErrorKind.BAD_REQUEST,
    "NotFoundError": ErrorKind.BAD_REQUEST,
}
_KIND_OF_STATUS: Final[dict[int, str]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.AUTH,
    403: ErrorKind.AUTH,
    404: ErrorKind.BAD_REQUEST,
    408: ErrorKind.TIMEOUT,
    413: ErrorKind.BAD_REQUEST,
    422: ErrorKind.BAD_REQUEST,
    429: ErrorKind.RATE_LIMIT,
}
_QUOTA_WORDS: Final = ("insufficient_quota", "exceeded your current quota", "billing_hard_limit")


def status_code_of(exception: BaseException) -> int | None:
    for name in ("status_code", "code"):
        value = getattr(exception, name, None)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 100 <= value <= 599:
            return value
    return None


def failure_of(exception: BaseException, contents: Iterable[str] = ()) -> Failure:
    """The failure that an exception tells of; ``contents`` are texts to keep out of its message."""
    cause = getattr(exception, "original_exception", None)
    if type(exception).__name__ == "MidStreamFallbackError" and isinstance(cause, BaseException):
        exception = cause
    name = type(exception).__name__
    status = status_code_of(exception)
    text = str(getattr(exception, "message", None) or exception)
    return Failure(
        type=name,
        message=safe_message(text, contents),
        status_code=status,
        kind=_kind(name, status, text),
    )


def _kind(name: str, status: int | None, text: str) -> str:
    kind = _KIND_OF_CLASS.get(name) or _KIND_OF_STATUS.get(status or 0)
    if kind is None:
        kind = ErrorKind.SERVER if status is not None and status >= 500 else ErrorKind.OTHER
    if kind == ErrorKind.RATE_LIMIT and any(word in text for word in _QUOTA_WORDS):
        return ErrorKind.QUOTA
    return kind


def outcome_of(failure: Failure) -> str:
    """How a call ends that fails so: by the request's own fault, or not."""
    if failure.status_code in (400, 413, 422):
        return Outcome.REJECTED
    return Outcome.ERROR
