"""An exception → why something failed, in words that may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litellm_otel.model import ErrorKind, Failure, Outcome
from litellm_otel.quotes import recent
from litellm_otel.reading.shapes import field_of
from litellm_otel.redaction import MAX_READ, safe_message

if TYPE_CHECKING:
    from collections.abc import Sequence

_KIND_OF_CLASS: Final[dict[str, str]] = {
    "RateLimitError": ErrorKind.RATE_LIMIT,
    "ProxyRateLimitError": ErrorKind.RATE_LIMIT,
    "RouterRateLimitError": ErrorKind.NO_DEPLOYMENT,
    "RouterRateLimitErrorBasic": ErrorKind.NO_DEPLOYMENT,
    "BudgetExceededError": ErrorKind.BUDGET,
    "GuardrailRaisedException": ErrorKind.GUARDRAIL,
    "BlockedPiiEntityError": ErrorKind.GUARDRAIL,
    "ModifyResponseException": ErrorKind.GUARDRAIL,
    "SensitiveDataRouteException": ErrorKind.GUARDRAIL,
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
# What HTTP clients raise, mostly out of streams, where LiteLLM hands it on as it is.
_KIND_OF_BASE: Final[dict[str, str]] = {
    "TimeoutException": ErrorKind.TIMEOUT,
    "TimeoutError": ErrorKind.TIMEOUT,
    "TransportError": ErrorKind.CONNECTION,
    "ClientPayloadError": ErrorKind.CONNECTION,
    "ClientConnectionError": ErrorKind.CONNECTION,
    "ConnectionError": ErrorKind.CONNECTION,
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
_CLASS_OF_STATUS: Final[dict[int, str]] = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    408: "Timeout",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    502: "BadGatewayError",
    503: "ServiceUnavailableError",
}
_STATUS_OF_WORD: Final[dict[str, int]] = {
    "rate_limit": 429,
    "insufficient_quota": 429,
    "resource_exhausted": 429,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "timeout": 408,
    "deadline": 408,
    "overloaded": 503,
    "unavailable": 503,
    "server_error": 500,
    "api_error": 500,
    "invalid": 400,
}
"""In how Anthropic, Google and OpenAI call errors."""
_KIND_OF_CLOSE: Final[dict[int, str]] = {
    1006: ErrorKind.CONNECTION,
    1008: ErrorKind.AUTH,
    1011: ErrorKind.SERVER,
    1012: ErrorKind.CONNECTION,
    1013: ErrorKind.RATE_LIMIT,
    1014: ErrorKind.SERVER,
}
_BLOCKING: Final = frozenset({400, 403, 422})
_REFUSALS: Final = frozenset({"ProxyRateLimitError", "BudgetExceededError"})
"""The proxy's own, wherever in a call it comes to them."""
_QUOTA_WORDS: Final = ("insufficient_quota", "exceeded your current quota", "billing_hard_limit")


def status_code_of(exception: BaseException) -> int | None:
    for name in ("status_code", "code"):
        value = getattr(exception, name, None)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 100 <= value <= 599:
            return value
    answered = getattr(getattr(exception, "response", None), "status_code", None)
    return answered if isinstance(answered, int) else None


def failure_of(
    exception: BaseException, contents: Sequence[str] = (), secrets: Sequence[str] = ()
) -> Failure:
    """The failure that an exception tells of; ``contents`` and ``secrets`` are kept out of its message.

    They are remembered for a while, for what LiteLLM makes of the exception: others, and log lines.
    """
    if contents or secrets:
        recent.remember(contents, secrets)
    cause = getattr(exception, "original_exception", None)
    if type(exception).__name__ == "MidStreamFallbackError" and isinstance(cause, BaseException):
        exception = cause
    name = type(exception).__name__
    status = status_code_of(exception)
    if name == "HTTPStatusError":
        name = _CLASS_OF_STATUS.get(status or 0, name)
    text = str(getattr(exception, "message", None) or exception)
    kind = _kind(name, status, text)
    if kind == ErrorKind.OTHER:
        bases = (base.__name__ for base in type(exception).__mro__)
        kind = next((_KIND_OF_BASE[base] for base in bases if base in _KIND_OF_BASE), kind)
    return Failure(
        type=name,
        message=safe_message(recent.taken_out(text[:MAX_READ]), contents, secrets),
        status_code=status,
        kind=kind,
        exception_class=exception_class_of(exception),
    )


def exception_class_of(exception: BaseException) -> str:
    """The label ``exception_class`` of LiteLLM's own metrics: ``Openai.RateLimitError``."""
    pinned = getattr(exception, "prometheus_exception_class_name", None)
    if isinstance(pinned, str) and pinned:
        return pinned
    name = type(exception).__name__
    provider = getattr(exception, "llm_provider", None)
    if name == "BudgetExceededError" or not isinstance(provider, str) or not provider:
        return name
    return f"{provider[0].upper()}{provider[1:]}.{name}"


def failure_of_refusal(
    exception: BaseException,
    contents: Sequence[str] = (),
    secrets: Sequence[str] = (),
    *,
    authenticating: bool,
) -> Failure:
    """The failure with which the proxy itself refused a request, or gave it up."""
    failure = failure_of(exception, contents, secrets)
    if authenticating:
        if failure.kind in (ErrorKind.OTHER, ErrorKind.SERVER):
            failure.kind = ErrorKind.AUTH
    elif failure.type == "HTTPException" and failure.status_code in _BLOCKING:
        # What LiteLLM, too, takes for a guardrail's: its own refusals have classes of their own.
        failure.kind = ErrorKind.GUARDRAIL
    return failure


def failure_of_status(status: int) -> Failure:
    """The failure that a provider's HTTP status tells of, in an answer LiteLLM hands on as it is."""
    name = _CLASS_OF_STATUS.get(status, f"HTTP {status}")
    return Failure(
        type=name,
        message=f"the provider answered {status}",
        status_code=status,
        kind=_kind(name, status, ""),
    )


def failure_told(
    error: object, contents: Sequence[str] = (), secrets: Sequence[str] = ()
) -> Failure:
    """The failure that a provider tells of in an answer that had begun well."""
    words = [field_of(error, name) for name in ("status", "type", "code")]
    status = next((word for word in words if isinstance(word, int)), 0)
    told = " ".join(word for word in words if isinstance(word, str)).lower()
    for sign, of_sign in _STATUS_OF_WORD.items():
        status = status or (of_sign if sign in told else 0)
    name = _CLASS_OF_STATUS.get(status, "APIError")
    text = str(field_of(error, "message") or told)
    recent.remember(contents, secrets)
    return Failure(
        type=name,
        message=safe_message(recent.taken_out(text[:MAX_READ]), contents, secrets),
        status_code=status or None,
        kind=_kind(name, status or None, f"{told} {text}"),
    )


def failure_of_answer(status: int) -> Failure:
    """The failure that the proxy's own HTTP status tells of, where nothing else does."""
    return Failure(
        type=str(status),
        message=f"answered {status}",
        status_code=status,
        kind=_kind("", status, ""),
    )


def failure_of_close(code: int, reason: object) -> Failure:
    """The failure that the code tells of with which a websocket was closed."""
    text = reason if isinstance(reason, str) else ""
    return Failure(
        type=f"ConnectionClosed {code}",
        message=safe_message(recent.taken_out(text[:MAX_READ])),
        kind=_KIND_OF_CLOSE.get(code, ErrorKind.OTHER),
    )


def _kind(name: str, status: int | None, text: str) -> str:
    kind = _KIND_OF_CLASS.get(name) or _KIND_OF_STATUS.get(status or 0)
    if kind is None:
        kind = ErrorKind.SERVER if status is not None and status >= 500 else ErrorKind.OTHER
    if kind == ErrorKind.RATE_LIMIT and any(word in text for word in _QUOTA_WORDS):
        return ErrorKind.QUOTA
    return kind


def is_cancellation(exception: BaseException) -> bool:
    """Whether it says that nobody wants the result any more: a cancelled task, an interpreter's exit."""
    return not isinstance(exception, Exception)


def outcome_of(failure: Failure) -> str:
    """How a call ends that fails so: by the request's own fault, or not."""
    if failure.status_code in (400, 413, 422) or failure.type in _REFUSALS:
        return Outcome.REJECTED
    return Outcome.ERROR
