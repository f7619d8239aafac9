"""The arguments of a call → the secrets in them, for taking them out of what quotes them.

What is returned must go nowhere else. Looked for only when a call has failed.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

# Names of arguments, headers and variables whose values let somebody in.
_SECRET: Final = re.compile(
    r"headers$|key|token|secret|passw|pwd|credential|authorization|cookie|signature|(?:^|[-_])(?:auth|sig|sas)(?:$|[-_])",
    re.I,
)
_HARMLESS: Final = re.compile(
    r"(?:max|min|prompt|completion|total|input|output)_?\w*tokens|hash|alias|(?<!key)_id$|key_name",
    re.I,
)
_URL: Final = re.compile(r"base|url|endpoint|dsn", re.I)
# Values of other headers may be anything: these are not secret.
_PLAIN_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    }
)
_HEADERS: Final = frozenset({"headers", "extra_headers", "default_headers"})
_CONTENT: Final = frozenset({"messages", "input", "prompt", "contents", "tools", "body"})

MIN_LENGTH: Final = 8
MAX_DEPTH: Final = 6
MAX_NODES: Final = 2000
STANDING: Final = 10.0
_SCHEME: Final = re.compile(r"(?:bearer|basic|token|apikey)\s+", re.I)


def secrets_of(kwargs: Mapping[str, Any]) -> list[str]:
    """What the call was given to be let in with, and what the environment and LiteLLM hold for it."""
    found = dict.fromkeys(_walk(kwargs))
    return [secret for secret in {**found, **_standing()} if len(secret) >= MIN_LENGTH]


_standing_until = 0.0
_standing_secrets: dict[str, None] = {}
_standing_names: tuple[str, ...] = ()


def _standing() -> dict[str, None]:
    """The secrets of the process; those of the environment are looked up every `STANDING` seconds."""
    global _standing_until, _standing_secrets, _standing_names
    litellm = sys.modules.get("litellm")
    own: dict[str, Any] = vars(litellm) if litellm is not None else {}
    if time.monotonic() > _standing_until:
        _standing_secrets = dict.fromkeys(_of_all(os.environ.items()))
        _standing_names = tuple(name for name in dict(own) if name.endswith("_key"))
        _standing_until = time.monotonic() + STANDING
    given = _of_all((name, own.get(name)) for name in _standing_names)
    return {**_standing_secrets, **dict.fromkeys(given)}


def _of_all(named: Iterable[tuple[str, object]]) -> Iterator[str]:
    for name, value in named:
        if isinstance(value, str) and not os.path.exists(value):
            yield from _named(name, value)


def _walk(kwargs: Mapping[str, Any]) -> Iterator[str]:
    waiting: list[tuple[str, object, int]] = [("", kwargs, 0)]
    for _ in range(MAX_NODES):
        if not waiting:
            return
        name, value, depth = waiting.pop()
        if isinstance(value, str):
            yield from _named(name, value)
        elif depth < MAX_DEPTH:
            waiting.extend(_below(name, value, depth + 1))


def _below(name: str, value: object, depth: int) -> Iterator[tuple[str, object, int]]:
    if isinstance(value, dict):
        in_headers = name in _HEADERS
        for key, item in cast("dict[object, object]", value).items():
            below = str(key)
            if below in _CONTENT:
                continue
            if in_headers and below.lower() not in _PLAIN_HEADERS:
                below = "header-key"
            elif _SECRET.search(name) and not isinstance(item, str):
                below = name
            yield below, item, depth
    elif isinstance(value, (list, tuple)):
        for item in cast("Sequence[object]", value):
            yield name, item, depth


def _named(name: str, value: str) -> Iterator[str]:
    """The secrets in a value of this name."""
    if _SECRET.search(name) and not _HARMLESS.search(name):
        yield _SCHEME.sub("", value, count=1)
        yield from _inside(value)
        yield from (pair.partition("=")[2].strip() for pair in re.split(r"[;,]", value))
        if "\n" in value:
            yield from (line.strip() for line in value.splitlines() if not line.startswith("-----"))
    if "://" in value and (_URL.search(name) or _SECRET.search(name)):
        yield from _of_url(value)


def _inside(value: str) -> Iterator[str]:
    """Of credentials written as JSON: each text in them."""
    if not value.lstrip().startswith("{"):
        return
    try:
        parsed = json.loads(value)
    except ValueError:
        return
    if isinstance(parsed, dict):
        for name, item in cast("dict[str, object]", parsed).items():
            if isinstance(item, str) and _SECRET.search(name):
                yield from _named(name, item)


def _of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if _SECRET.search(name):
            yield value
            yield unquote(value)
