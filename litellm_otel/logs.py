"""LiteLLM's and uvicorn's own log lines as OpenTelemetry logs, with trace ids, without secrets."""

from __future__ import annotations

import logging
import traceback
from contextvars import ContextVar
from importlib import import_module
from typing import Any

import wrapt

from litellm_otel import announce, settings

LOGGERS = (
    "LiteLLM",
    "LiteLLM Router",
    "LiteLLM Proxy",
    "uvicorn.error",
    "gunicorn.error",
    "_granian",
)
ACCESS_LOGGER = "uvicorn.access"

# Whoever replaces the handlers of these loggers: ours go back on afterwards.
_RECONFIGURE = (
    ("logging.config", "dictConfig"),
    ("logging.config", "fileConfig"),
    ("litellm._logging", "_initialize_loggers_with_handler"),
)
# What of a record leaves beside its text: the rest may be anything.
_KEPT = ("name", "levelno", "levelname", "created", "pathname", "funcName", "lineno")


_busy: ContextVar[bool] = ContextVar("litellm_otel_logging", default=False)


class LiteLLMLogHandler(logging.Handler):
    """Gives OpenTelemetry's handler a copy of each record with only what may leave."""

    def __init__(self) -> None:
        super().__init__()
        self._sender: Any = import_module(
            "opentelemetry.instrumentation.logging.handler"
        ).LoggingHandler()
        # `logging` flushes all handlers at the very end, when Python 3.12 starts no threads any more.
        self._sender.flush = _nothing

    def emit(self, record: logging.LogRecord) -> None:
        # Rendering a record can log again, by a filter or a __str__: that one stays here.
        if _busy.get() or _sent_by_root(record.name):
            return
        token = _busy.set(True)
        try:
            self._sender.emit(_presentable(record))
        except Exception as error:
            announce.logger.debug("litellm-otel: a log line could not be sent", exc_info=error)
        finally:
            _busy.reset(token)


def _nothing() -> None:
    """What is buffered leaves with everything else, see `litellm_otel.lifecycle`."""


def install() -> None:
    """Attach to the loggers now, and again whenever logging is configured anew."""
    attach()
    for module, name in _RECONFIGURE:
        _reattach_after(module, name)


def attach() -> None:
    """Give each of the loggers the handler, unless it has it."""
    if not settings.current().logs:
        return
    names = LOGGERS + ((ACCESS_LOGGER,) if settings.current().access_log else ())
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, LiteLLMLogHandler) for handler in logger.handlers):
            logger.addHandler(_handler())


_shared: LiteLLMLogHandler | None = None


def _handler() -> LiteLLMLogHandler:
    global _shared
    if _shared is None:
        _shared = LiteLLMLogHandler()
    return _shared


def _reattach_after(module: str, name: str) -> None:
    def hook(imported: Any) -> None:
        def configure(wrapped: Any, _: object, args: Any, kwargs: Any) -> Any:
            try:
                return wrapped(*args, **kwargs)
            finally:
                attach()

        try:
            wrapt.wrap_function_wrapper(imported, name, configure)
        except (AttributeError, ImportError):
            announce.logger.debug("litellm-otel: %s has no %s", module, name)

    wrapt.when_imported(module)(hook)


def _sent_by_root(name: str) -> bool:
    """Whether a handler further up sends this logger's records already."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger.propagate:
        logger = logger.parent
        if logger is not None and any(
            type(handler).__name__ == "LoggingHandler" for handler in logger.handlers
        ):
            return True
    return False


def _presentable(record: logging.LogRecord) -> logging.LogRecord:
    from litellm_otel.quotes import recent
    from litellm_otel.redaction import redact

    # Whoever asks for debug lines asks for what is said in them; of secrets they are rid as well.
    quoting = record.levelno > logging.DEBUG

    def safe(text: str) -> str:
        return redact(recent.taken_out(text, contents=quoting))

    copy: dict[str, Any] = {name: record.__dict__.get(name) for name in _KEPT}
    copy["msg"] = safe(record.getMessage())
    copy["args"] = None
    if record.exc_info and record.exc_info[0] is not None:
        kind, error, _ = record.exc_info
        copy["exception.type"] = _qualified(kind)
        copy["exception.message"] = safe(str(error))
        copy["exception.stacktrace"] = safe("".join(traceback.format_exception(*record.exc_info)))
    elif record.exc_text:
        # A filter has rendered the exception, LiteLLM's own does.
        copy["exception.stacktrace"] = safe(record.exc_text)
    # Not by makeLogRecord: the factory behind it adds what others want in every record.
    made = logging.LogRecord("", logging.NOTSET, "", 0, None, None, None)
    made.__dict__.update(copy)
    return made


def _qualified(kind: type[BaseException]) -> str:
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
