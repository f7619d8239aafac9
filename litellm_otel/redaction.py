"""Takes credentials, and where asked for content, out of text that leaves the process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from litellm_otel.quotes import REDACTED, without_content, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_MESSAGE: Final = 1024
"""Characters of an error message that are kept."""
MAX_READ: Final = 8 * MAX_MESSAGE
"""Characters of it that are looked at."""

_SECRET_NAME: Final = (
    r"(?:x-)?(?:api[-_ ]?key|access[-_ ]?key(?:[-_ ]?id)?|secret(?:[-_ ]?access)?[-_ ]?key|secret|"
    r"client[-_ ]?secret|password|passwd|pwd|token|access[-_ ]?token|refresh[-_ ]?token|"
    r"session[-_ ]?token|security[-_ ]?token|id[-_ ]?token|authorization|credentials?|private[-_ ]?key|"
    r"signature|sig|subscription[-_ ]?key|master[-_ ]?key|key)"
)

_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # PEM blocks, also with their line breaks written as \n
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)", re.S), REDACTED),
    # user:password@ in URLs
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)[^/\s@]{1,512}@", re.I), rf"\1{REDACTED}@"),
    # Authorization schemes
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=:-]{6,}", re.I), rf"\1 {REDACTED}"),
    # headers that somebody configured: names and values can be anything
    (
        re.compile(r"((?:extra|default)_headers[\\\"']*\s*[:=]\s*)\{[^{}]*\}", re.I),
        rf"\1{REDACTED}",
    ),
    # name=value, "name": "value", name: value, also with escaped quotes
    (
        re.compile(
            rf"((?<![A-Za-z])[\"']?(?:[A-Za-z0-9]{{1,32}}[-_.]){{0,6}}{_SECRET_NAME}[\\\"']*\s*(?:=|:|=>|%3D)\s*[\\\"']*)"
            r"(?!\[REDACTED\])[^\s\\\"'&,;)}\]]{4,}",
            re.I,
        ),
        rf"\1{REDACTED}",
    ),
    # well-known shapes, wherever they stand
    (re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi|pplx|key)[-_][A-Za-z0-9_*-]{8,}"), REDACTED),
    (re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"), REDACTED),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{30,}"), REDACTED),
    (re.compile(r"\bya29\.[A-Za-z0-9_-]{10,}"), REDACTED),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"), REDACTED),
    (re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"), REDACTED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"), REDACTED),
)
# A text without any of these letters in it holds nothing the patterns could match.
_HINT: Final = re.compile(
    r"://|bearer|basic|_headers|key|secret|passw|pwd|token|authori|credential|sig|-----BEGIN|sk[-_]|pk[-_]|rk[-_]|"
    r"xai-|hf_|r8_|nvapi|pplx|AKIA|ASIA|ABIA|ACCA|AIza|ya29|gh[pousr]_|github_pat|xox|eyJ",
    re.I,
)


def redact(text: str) -> str:
    """The text with everything that looks like a credential replaced by ``[REDACTED]``."""
    if not _HINT.search(text):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def safe_message(text: str, contents: Iterable[str] = (), secrets: Iterable[str] = ()) -> str:
    """An exception's text as it may be shown: no credential, no content, cut to `MAX_MESSAGE`.

    ``contents`` and ``secrets`` are what is known word for word of the call that failed.
    """
    text = without_content(text[:MAX_READ], contents)
    text = redact(without_secrets(text, secrets))
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
