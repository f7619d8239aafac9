"""Takes out of content what must not leave: credentials always, and what the operator's patterns match."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from litellm_otel.quotes import REDACTED, without_secrets
from litellm_otel.redaction import redact

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence

_PROBE: Final = "0123456789"
_DATA: Final = ("blob", "content")


class Redaction:
    """Cleans values of any shape."""

    def __init__(self, patterns: Iterable[re.Pattern[str]] = ()) -> None:
        self._patterns = tuple(patterns)

    def value(self, value: Any, secrets: Sequence[str] = ()) -> Any:
        """Every text in it cleaned, and what a telling name says is a secret taken out.

        ``secrets`` are known word for word. All of a text is read: what begins before where it will
        be cut may end after it.
        """
        if secrets:
            # Once over all of it, since hardly ever is one of them there.
            everything = json.dumps(value, ensure_ascii=False)
            if without_secrets(everything, secrets) == everything:
                secrets = ()
        return self._clean(value, secrets)

    def _text(self, text: str, secrets: Sequence[str]) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which no exporter can send
            text = text.encode(errors="replace").decode()
        text = redact(without_secrets(text, secrets) if secrets else text)
        for pattern in self._patterns:
            text = pattern.sub(REDACTED, text)
        return text

    def _clean(self, value: Any, secrets: Sequence[str]) -> Any:
        if isinstance(value, str):
            return self._text(value, secrets)
        if isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value)
            data = members.get("type") == _DATA[0]
            return {
                key: item
                if data and key == _DATA[1]
                else REDACTED
                if is_scalar(item) and names_secret(key)
                else self._clean(item, secrets)
                for key, item in members.items()
            }
        if isinstance(value, list):
            return [self._clean(item, secrets) for item in cast("list[Any]", value)]
        return value


def is_scalar(value: object) -> bool:
    """Whether it could be a secret: a text or a number."""
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


@lru_cache(maxsize=1024)
def names_secret(name: str) -> bool:
    """Whether `redact` takes out what this name is said to be."""
    return redact(f"{name}={_PROBE}") != f"{name}={_PROBE}"
