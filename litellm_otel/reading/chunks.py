"""The chunks of a stream → what a whole response would have told, whichever API they are of.

Chat and text completions come as objects with choices, the Responses API as typed events, Anthropic and
Google as mappings or as the bytes of server-sent events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from litellm_otel.model import Response, Usage
from litellm_otel.reading.events import objects_in
from litellm_otel.reading.responses import error_of, finish_reasons_of, response_of
from litellm_otel.reading.shapes import count_of, field_of, text_of
from litellm_otel.reading.usage import usage_of, usage_of_result

_TELLING: Final = (
    b'"usage',
    b'"message_start"',
    b'"interaction"',
    b'"stop_reason"',
    b'"finish_reason"',
    b'"error"',
)
"""Server-sent events without any of these carry only text, and are not parsed but for it."""

_WHOLE: Final = ("response", "interaction", "message")
"""Where an event carries the response itself."""


def streamed_response(chunks: Sequence[object]) -> tuple[Response, Usage | None]:
    """Id, model and finish reasons, and the usage that the provider sent, as far as they came."""
    told = _Told()
    for chunk in objects_in(chunks, _TELLING):
        told.add(chunk)
    return told.response(), told.usage


class _Told:
    """What the chunks seen so far have told."""

    def __init__(self) -> None:
        self._first: Response | None = None
        self._whole: Response | None = None
        self._reasons: dict[int, str] = {}
        self._usage: Usage | None = None
        self._more = False
        """Whether something was said after the last count."""
        self._error: object = None

    def add(self, chunk: object) -> None:
        choices = field_of(chunk, "choices")
        if choices is not None:
            self._add_choices(chunk, cast("Sequence[object]", choices))
            return
        self._error = error_of(chunk) or self._error
        for name in _WHOLE:
            whole = field_of(chunk, name)
            if whole is not None and not isinstance(whole, str):
                self._add_whole(whole)
                self._more = name == "message"  # its first event: nothing is said yet
                return
        stopped = text_of(field_of(field_of(chunk, "delta"), "stop_reason"))
        if stopped:
            self._reasons[0] = stopped
        elif field_of(chunk, "candidates") is not None:
            self._add_candidates(chunk)
        self._use(usage_of_result(chunk))

    def _add_choices(self, chunk: object, choices: Sequence[object]) -> None:
        if self._first is None:
            self._first = response_of(chunk)
        for choice in choices:
            index = count_of(field_of(choice, "index")) or 0
            reason = field_of(choice, "finish_reason")
            if isinstance(reason, str):
                self._reasons[index] = reason
            else:
                self._reasons.setdefault(index, "error")
        sent = field_of(chunk, "usage")
        if sent is not None:
            self._use(usage_of(sent))
        elif not self._more:
            self._more = any(_texts(chunk))

    def _add_whole(self, response: object) -> None:
        """The Responses API and interactions send all of it with events, Anthropic the empty message."""
        self._whole = response_of(response)
        self._use(usage_of_result(response))

    def _add_candidates(self, chunk: object) -> None:
        if self._first is None:
            self._first = response_of(chunk)
        for index, reason in enumerate(finish_reasons_of(chunk)):
            if reason != "error" or index not in self._reasons:
                self._reasons[index] = reason

    def _use(self, usage: Usage | None) -> None:
        if usage is None:
            return
        self._more = False
        before, self._usage = self._usage, usage
        if before is not None and (before.input_tokens or 0) > (usage.input_tokens or 0):
            # Anthropic tells the input when it starts and the output when it ends.
            output = usage.output_tokens
            self._usage = before
            before.output_tokens = output if output is not None else before.output_tokens
            before.total_tokens = (before.input_tokens or 0) + (before.output_tokens or 0)

    @property
    def usage(self) -> Usage | None:
        """The last count; of a stream that broke off after one, only of what it was asked."""
        usage = self._usage
        whole = self._reasons and "error" not in self._reasons.values()
        if usage is not None and self._more and not whole:
            usage.output_tokens = usage.reasoning_output_tokens = None
            usage.total_tokens = usage.input_tokens
        return usage

    def response(self) -> Response:
        response = self._whole or self._first or Response()
        response.error = response.error or self._error
        if self._reasons:
            response.finish_reasons = tuple(self._reasons[key] for key in sorted(self._reasons))
        return response


def text_of_chunks(chunks: Sequence[object]) -> str:
    """What the chunks say, to count tokens where the provider sent no count."""
    pieces: list[str] = []
    for chunk in objects_in(chunks):
        pieces.extend(_texts(chunk))
    return "".join(pieces)


def _texts(chunk: object) -> Iterator[str]:
    for choice in cast("Sequence[object]", field_of(chunk, "choices") or ()):
        delta = field_of(choice, "delta")
        if delta is None:
            said = (field_of(choice, "text"),)
        else:
            said = field_of(delta, "content"), field_of(delta, "reasoning_content")
        yield from (text for text in said if isinstance(text, str))
    delta = field_of(chunk, "delta")
    if isinstance(delta, str):  # the Responses API
        yield delta
    elif delta is not None:  # Anthropic
        for name in ("text", "thinking", "partial_json"):
            text = field_of(delta, name)
            if isinstance(text, str):
                yield text
    for candidate in cast("Sequence[object]", field_of(chunk, "candidates") or ()):
        content = field_of(candidate, "content")
        for part in cast("Sequence[object]", field_of(content, "parts") or ()):
            text = field_of(part, "text")
            if isinstance(text, str):
                yield text
