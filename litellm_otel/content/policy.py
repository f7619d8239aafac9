"""Whether content is recorded, and where it goes: the standard variables, and ours beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from litellm_otel import environment as env
from litellm_otel.sdk_environment import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_CONTENT: Final = "NO_CONTENT"
SPAN_ONLY: Final = "SPAN_ONLY"
EVENT_ONLY: Final = "EVENT_ONLY"
SPAN_AND_EVENT: Final = "SPAN_AND_EVENT"
MODES: Final = (NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT)

MAX_LENGTH: Final = 8_192
MAX_SIZE: Final = 49_152
"""With the other attributes of an event it stays below the 64 KB that Loki takes of one."""

_BOOLEANS: Final = {"true": EVENT_ONLY, "1": EVENT_ONLY, "false": NO_CONTENT, "0": NO_CONTENT}


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """What is to be done with content."""

    mode: str = NO_CONTENT
    events: bool = False
    """Whether an event is emitted for each attempt, be it without content."""
    hook: str = ""
    """The completion hook that is handed all content; "" for none."""
    blobs: bool = False
    """Whether images, sound and files are recorded too, not only their type and size."""
    max_length: int = MAX_LENGTH
    """Characters of one part of a message on spans and events."""
    max_size: int = MAX_SIZE
    """Bytes of all content of one attempt on spans and events."""
    patterns: tuple[re.Pattern[str], ...] = ()
    """What is taken out besides credentials."""

    @property
    def on_spans(self) -> bool:
        return self.mode in (SPAN_ONLY, SPAN_AND_EVENT)

    @property
    def on_events(self) -> bool:
        return self.events and self.mode in (EVENT_ONLY, SPAN_AND_EVENT)

    @property
    def reads(self) -> bool:
        """Whether content has to be read at all."""
        return self.on_spans or self.on_events or bool(self.hook)


def policy(
    environ: Mapping[str, str],
    *,
    blobs: bool = False,
    max_length: int = MAX_LENGTH,
    max_size: int = MAX_SIZE,
    patterns: tuple[re.Pattern[str], ...] | None = (),
    problems: list[str],
) -> ContentPolicy:
    """What `environ` asks for. ``patterns``: None where they are not what was meant."""
    mode = _mode(environ.get(env.CAPTURE_CONTENT, "").strip(), problems)
    hook = environ.get(env.COMPLETION_HOOK, "").strip()
    if patterns is None:
        if mode != NO_CONTENT or hook:
            problems.append(
                f"no content is recorded until {env.CONTENT_REDACT_PATTERNS} is corrected"
            )
        return ContentPolicy(events=_events(environ, NO_CONTENT, problems))
    return ContentPolicy(
        mode, _events(environ, mode, problems), hook, blobs, max_length, max_size, patterns
    )


def _mode(text: str, problems: list[str]) -> str:
    if not text or text.upper() in MODES:
        return text.upper() or NO_CONTENT
    shown = f"{env.CAPTURE_CONTENT}={text!r}"
    mode = _BOOLEANS.get(text.lower())
    if mode is not None:
        problems.append(
            f"{shown}: taken as {mode}, which it used to mean; use one of {', '.join(MODES)}"
        )
        return mode
    problems.append(
        f"{shown}: unknown{suggestion(text, map(str.lower, MODES))}; no content is recorded"
    )
    return NO_CONTENT


def _events(environ: Mapping[str, str], mode: str, problems: list[str]) -> bool:
    text = environ.get(env.EMIT_EVENT, "").strip()
    if text.lower() in ("true", "false"):
        if text.lower() == "false" and mode == EVENT_ONLY:
            problems.append(
                f"{env.EMIT_EVENT}={text!r}: no content is recorded, "
                f"as {env.CAPTURE_CONTENT}={EVENT_ONLY} puts it on events only"
            )
        return text.lower() == "true"
    by_mode = mode in (EVENT_ONLY, SPAN_AND_EVENT)
    if text:
        problems.append(
            f"{env.EMIT_EVENT}={text!r}: neither true nor false; going by {env.CAPTURE_CONTENT}"
        )
    return by_mode
