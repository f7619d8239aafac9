"""A whole response → what was answered, told by its shape, whichever API it is of."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Final, cast

from litellm_otel.model.content import Blob, Content, Document, Message, Part, Text
from litellm_otel.reading.content.messages import Messages, finish_reason_of
from litellm_otel.reading.content.parts import Parts, modality_of, plain
from litellm_otel.reading.content.requests import agent_part
from litellm_otel.reading.shapes import count_of, field_of, items_of, number_of, text_of

_STATUSES: Final = {"completed": "stop", "incomplete": "length"}
_IMAGE_TYPES: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class Answers:
    """Reads what was answered into a `Content`."""

    def __init__(self, parts: Parts, messages: Messages) -> None:
        self._parts = parts
        self._messages = messages

    def read(self, content: Content, result: object, tool: bool) -> None:
        """What this response says. ``tool``: it is a tool's answer."""
        if tool:
            content.result = self._of_tool(result)
            return
        for reader in (
            self._http,
            self._choices,
            self._candidates,
            self._response,
            self._interaction,
            self._anthropic,
            self._found,
            self._pages,
            self._images,
            self._transcript,
            self._agent,
        ):
            if reader(content, result):
                return

    # -- models ------------------------------------------------------------------------------------

    def _choices(self, content: Content, result: object) -> bool:
        choices = items_of(field_of(result, "choices"))
        for choice in choices:
            message = field_of(choice, "message")
            if message is None:
                said: list[Part] = [Text(str(field_of(choice, "text") or ""))]
                answer = Message("assistant", said)
            else:
                answer = self._messages.chat(message)
            answer.finish_reason = finish_reason_of(field_of(choice, "finish_reason"))
            content.output.append(answer)
        return bool(choices)

    def _candidates(self, content: Content, result: object) -> bool:
        candidates = items_of(field_of(result, "candidates"))
        for candidate in candidates:
            reason = field_of(candidate, "finish_reason") or field_of(candidate, "finishReason")
            parts = self._parts.of(field_of(field_of(candidate, "content"), "parts"))
            content.output.append(Message("assistant", parts, None, finish_reason_of(reason)))
        return bool(candidates)

    def _response(self, content: Content, result: object) -> bool:
        items = field_of(result, "output")
        if not isinstance(items, list):
            return False
        answer = Message("assistant", self._messages.response_output(cast("object", items)))
        if not answer.parts:
            return True
        reason = field_of(field_of(result, "incomplete_details"), "reason")
        status = text_of(field_of(result, "status")) or "completed"
        answer.finish_reason = finish_reason_of(reason or _STATUSES.get(status))
        content.output.append(answer)
        return True

    def _interaction(self, content: Content, result: object) -> bool:
        """Google's interactions: steps, some of which are the model's."""
        steps = [*items_of(field_of(result, "steps")), *items_of(field_of(result, "outputs"))]
        parts = [part for step in steps for part in self._messages.step(step)]
        return self._answered(content, parts)

    def _anthropic(self, content: Content, result: object) -> bool:
        if field_of(result, "role") != "assistant":
            return False
        answer = self._messages.chat(result)
        answer.finish_reason = finish_reason_of(field_of(result, "stop_reason"))
        content.output.append(answer)
        return True

    # -- searches ------------------------------------------------------------------------------------

    def _found(self, content: Content, result: object) -> bool:
        """A rerank's or a search's results, or what a vector store has."""
        found = items_of(field_of(result, "results"))
        if field_of(result, "search_query") is not None or not found:
            stored = items_of(field_of(result, "data"))
            found = [each for each in stored if field_of(each, "score") is not None]
        for each in found:
            document = _document(each)
            if document is not None:
                content.documents.append(document)
        return bool(content.documents)

    def _pages(self, content: Content, result: object) -> bool:
        texts = [field_of(page, "markdown") for page in items_of(field_of(result, "pages"))]
        parts: list[Part] = [Text(text) for text in texts if isinstance(text, str)]
        return self._answered(content, parts)

    # -- pictures and sounds -----------------------------------------------------------------------

    def _images(self, content: Content, result: object) -> bool:
        parts: list[Part] = []
        mime = _IMAGE_TYPES.get(str(field_of(result, "output_format") or "png"))
        for image in items_of(field_of(result, "data")):
            url, data = text_of(field_of(image, "url")), text_of(field_of(image, "b64_json"))
            if data is not None:
                parts.append(self._parts.blob(data, "image", mime))
            elif url is not None:
                parts.append(self._parts.url(url, "image"))
            revised = text_of(field_of(image, "revised_prompt"))
            if revised is not None:
                parts.append(Text(revised))
        return self._answered(content, parts)

    def _transcript(self, content: Content, result: object) -> bool:
        text = field_of(result, "text")
        return self._answered(content, [Text(text)] if isinstance(text, str) else [])

    def _http(self, content: Content, result: object) -> bool:
        """What came over HTTP as it is: JSON that was passed through, else data of some type and size."""
        response = result if hasattr(result, "status_code") else field_of(result, "response")
        headers = field_of(response, "headers")
        mime = text_of(field_of(headers, "content-type"))
        if mime is None or not hasattr(response, "status_code"):
            return False
        mime = mime.partition(";")[0].strip()
        body = getattr(response, "_content", None)  # None while it is being streamed
        if response is result and mime.endswith("json") and isinstance(body, bytes):
            with contextlib.suppress(ValueError):
                self.read(content, json.loads(body), tool=False)
            return True
        size = len(body) if isinstance(body, bytes) else None
        return self._answered(content, [Blob(modality_of(mime), mime, size)])

    # -- tools and agents ----------------------------------------------------------------------------

    @staticmethod
    def _of_tool(result: object) -> Any:
        """The structured answer of a tool if it has one, else its texts."""
        structured = field_of(result, "structuredContent")
        if structured is not None:
            return plain(structured)
        blocks = field_of(result, "content")
        if blocks is None:
            return plain(result)
        return [
            {"type": "text", "text": text}
            if isinstance(text := field_of(block, "text"), str)
            else {"type": text_of(field_of(block, "type")) or "other"}
            for block in items_of(blocks)
        ]

    def _agent(self, content: Content, result: object) -> bool:
        answer = field_of(field_of(result, "root") or result, "result")
        if answer is None:
            return False
        message = field_of(field_of(answer, "status"), "message") or answer
        sources = [*items_of(field_of(answer, "artifacts")), message]
        parts = [
            agent_part(part, self._parts)
            for source in sources
            for part in items_of(field_of(source, "parts"))
        ]
        return self._answered(content, [part for part in parts if part is not None])

    @staticmethod
    def _answered(content: Content, parts: list[Part]) -> bool:
        if parts:
            content.output.append(Message("assistant", parts, None, "stop"))
        return bool(parts)


def _document(found: object) -> Document | None:
    score = field_of(found, "score")
    if score is None:
        score = field_of(found, "relevance_score")
    identifier = (
        text_of(field_of(found, "file_id"))
        or text_of(field_of(found, "id"))
        or text_of(field_of(found, "url"))
    )
    if identifier is None and (index := count_of(field_of(found, "index"))) is not None:
        identifier = str(index)
    text = text_of(field_of(found, "snippet")) or text_of(
        field_of(field_of(found, "document"), "text")
    )
    texts = [field_of(each, "text") for each in items_of(field_of(found, "content"))]
    text = text or "\n".join(each for each in texts if isinstance(each, str)) or None
    if identifier is None and score is None and text is None:
        return None
    return Document(identifier, number_of(score), text)
