"""Where no provider is to be found."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_TAKEN_FOR_A_STATUS: Final = "403"
"""LiteLLM looks for it all over the text of Gemini's errors: a port can have it, or an address in memory."""
WITHOUT_AN_ADDRESS: Final = {"SSL_VERIFY": "False"}
"""Variables with which the error of a connection does not name an SSL context by where it is in memory."""


@contextmanager
def refusing() -> Generator[int]:
    """A port that is kept, and at which every connection is refused."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        port = int(kept.getsockname()[1])
        if _TAKEN_FOR_A_STATUS not in str(port):
            yield port
            return
        with refusing() as other:
            yield other
