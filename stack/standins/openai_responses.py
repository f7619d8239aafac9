"""OpenAI's Responses API: create, whole and streamed; and what is done with stored responses."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

from .endpoint import Asked, Endpoint, Events, Invalid, Json, Reply, event, words
from .openai_api import OPENAI, Counts, invalid_options


class _Response:
    """One response: as many words as tokens were asked for."""

    def __init__(self, asked: Asked) -> None:
        self.counts = Counts(asked)
        self._id = asked.ids.get("response_id") or f"resp_standin{asked.number:08d}"
        self._item = f"msg_standin{asked.number:08d}"
        self._model = asked.model or "gpt-4o"
        self._created = int(time.time())
        self._words = words(self.counts.length)
        self._call = _call_asked_for(asked)

    def body(self, status: str) -> dict[str, Any]:
        done = status == "completed"
        part = {"type": "output_text", "text": "".join(self._words), "annotations": []}
        message = {
            "type": "message",
            "id": self._item,
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": self._model,
            "output": [self._call or message] if done else [],
            "usage": self._usage() if done else None,
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "service_tier": "default",
        }

    def _usage(self) -> dict[str, Any]:
        counts = self.counts
        return {
            "input_tokens": counts.prompt,
            "input_tokens_details": {"cached_tokens": counts.cached},
            "output_tokens": counts.output,
            "output_tokens_details": {"reasoning_tokens": counts.reasoning},
            "total_tokens": counts.total,
        }

    def events(self) -> Iterator[bytes]:
        numbers = itertools.count()

        def told(kind: str, **fields: Any) -> bytes:
            return event({"type": kind, "sequence_number": next(numbers), **fields}, kind)

        yield told("response.created", response=self.body("in_progress"))
        if self._call is not None:
            call = {"output_index": 0, "item_id": self._call["id"]}
            started = {**self._call, "arguments": "", "status": "in_progress"}
            yield told("response.output_item.added", output_index=0, item=started)
            arguments = self._call["arguments"]
            yield told("response.function_call_arguments.delta", **call, delta=arguments)
            yield told("response.function_call_arguments.done", **call, arguments=arguments)
            yield told("response.output_item.done", output_index=0, item=self._call)
        for word in self._words if self._call is None else ():
            yield told(
                "response.output_text.delta",
                item_id=self._item,
                output_index=0,
                content_index=0,
                delta=word,
            )
        yield told("response.completed", response=self.body("completed"))


def _call_asked_for(asked: Asked) -> dict[str, Any] | None:
    """A call of the first tool, if one has to be called and none has been."""
    given, tools = asked.fields.get("input"), asked.fields.get("tools")
    items: list[Any] = given if isinstance(given, list) else []
    called = any(item.get("type") == "function_call_output" for item in items)
    if called or not tools or asked.fields.get("tool_choice") != "required":
        return None
    return {
        "type": "function_call",
        "id": f"fc_standin{asked.number:08d}",
        "call_id": "call_standin0001",
        "name": tools[0]["name"],
        "arguments": json.dumps({"word": "word0"}),
        "status": "completed",
    }


def _create(asked: Asked) -> Reply:
    response = _Response(asked)
    if asked.streamed:
        return Events(response.events(), tokens=response.counts.total)
    return Json(response.body("completed"), response.counts.total)


def _compact(asked: Asked) -> Reply:
    response = _Response(asked)
    body = response.body("completed")
    compacted = {"type": "compaction", "id": "cmp_standin", "encrypted_content": "c3RhbmRpbg=="}
    return Json(
        {
            "id": body["id"],
            "object": "response.compaction",
            "created_at": body["created_at"],
            "output": [compacted],
            "usage": body["usage"],
        },
        response.counts.total,
    )


def _with_status(status: str) -> Any:
    return lambda asked: Json(_Response(asked).body(status))


def _delete(asked: Asked) -> Reply:
    return Json({"id": asked.ids["response_id"], "object": "response", "deleted": True})


def _input_items(asked: Asked) -> Reply:
    item = {
        "id": "msg_standin",
        "type": "message",
        "role": "user",
        "status": "completed",
        "content": [{"type": "input_text", "text": "word0"}],
    }
    ends = {"first_id": item["id"], "last_id": item["id"], "has_more": False}
    return Json({"object": "list", "data": [item], **ends})


def _known(asked: Asked) -> Invalid | None:
    wanted = asked.ids["response_id"]
    if wanted.startswith("resp_"):
        return None
    return Invalid(f"Response with id '{wanted}' not found.", "id", 404)


_STORED = "/v1/responses/{response_id}"

ENDPOINTS = (
    # Before the paths in which a response is named.
    Endpoint(
        OPENAI,
        "POST",
        "/v1/responses/compact",
        _compact,
        required=("model", "input"),
        content="input",
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/responses",
        _create,
        required=("model", "input"),
        content="input",
        check=invalid_options,
        streams=True,
    ),
    Endpoint(OPENAI, "GET", _STORED, _with_status("completed"), accepts="", check=_known),
    Endpoint(OPENAI, "DELETE", _STORED, _delete, accepts="", check=_known),
    Endpoint(
        OPENAI, "POST", f"{_STORED}/cancel", _with_status("cancelled"), accepts="", check=_known
    ),
    Endpoint(OPENAI, "GET", f"{_STORED}/input_items", _input_items, accepts="", check=_known),
)
