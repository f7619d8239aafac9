"""URLs of outgoing requests as they may be shown: without what lets their reader in."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from litellm_otel.redaction import redact

HIDDEN: Final = "REDACTED"
SHOWN_PARAMETERS: Final = frozenset({"alt", "api-version", "beta"})
"""Query parameters whose value is shown; of all others, as far as they are named, only the name is."""


@lru_cache(maxsize=1024)
def presentable(url: str) -> str:
    """The URL without credentials, values in its query, or a fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(
        (
            parts.scheme,
            f"{HIDDEN}:{HIDDEN}@{host}" if user else host,
            redact(parts.path),
            "&".join(_parameter(pair) for pair in parts.query.split("&")) if parts.query else "",
            "",
        )
    )


def _parameter(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    if not equals:
        return HIDDEN
    return pair if name in SHOWN_PARAMETERS else f"{redact(name)}={HIDDEN}"
