"""How litellm-otel talks to the person who runs it: one logger, one line per fact."""

from __future__ import annotations

import logging

logger = logging.getLogger("litellm_otel")

_told: set[str] = set()


def once(message: str, *, level: int = logging.WARNING) -> None:
    """Log `message` unless it was logged before in this process."""
    if message not in _told:
        _told.add(message)
        logger.log(level, "litellm-otel: %s", message)


def show_debug() -> None:
    """Let debug lines through, to standard error if nobody set up a handler for them."""
    logger.setLevel(logging.DEBUG)
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
