"""OpenAI's Assistants API: assistants, threads, messages, and runs whole or streamed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .endpoint import Api, Asked, Endpoint, Events, Invalid, Json, Reply, event
from .openai_api import OPENAI

_ANSWER = "word0 word1 word2"


def _needs_version(headers: Any) -> Invalid | None:
    if headers.get("OpenAI-Beta") != "assistants=v2":
        return Invalid("You must provide the 'OpenAI-Beta' header to access the Assistants API.")
    return None


ASSISTANTS: Api = replace(OPENAI, needs=_needs_version)


def _thing(object: str, identifier: str, **more: Any) -> dict[str, Any]:
    about = {"id": identifier, "object": object, "created_at": int(time.time()), "metadata": {}}
    return {**about, **more}


def _assistant(asked: Asked) -> dict[str, Any]:
    identifier = asked.ids.get("assistant_id", "asst_standin")
    model = asked.model or "gpt-4o"
    return _thing(
        "assistant",
        identifier,
        model=model,
        name=asked.fields.get("name"),
        description=None,
        instructions=asked.fields.get("instructions"),
        tools=[],
    )


def _thread(asked: Asked) -> dict[str, Any]:
    return _thing("thread", asked.ids.get("thread_id", "thread_standin"), tool_resources=None)


def _message(asked: Asked, role: str = "user", text: str = "") -> dict[str, Any]:
    said = {"type": "text", "text": {"value": text, "annotations": []}}
    return _thing(
        "thread.message",
        "msg_standin",
        thread_id=asked.ids.get("thread_id", "thread_standin"),
        role=role,
        content=[said],
        status="completed",
        attachments=[],
        assistant_id=None,
        run_id=None,
        completed_at=None,
        incomplete_at=None,
        incomplete_details=None,
    )


def _run(asked: Asked, status: str) -> dict[str, Any]:
    used = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    return _thing(
        "thread.run",
        asked.ids.get("run_id", "run_standin"),
        thread_id=asked.ids["thread_id"],
        assistant_id=asked.fields.get("assistant_id", "asst_standin"),
        status=status,
        model=asked.model or "gpt-4o",
        instructions="",
        tools=[],
        parallel_tool_calls=True,
        usage=used if status == "completed" else None,
        required_action=None,
        last_error=None,
        expires_at=None,
        started_at=None,
        cancelled_at=None,
        failed_at=None,
        completed_at=None,
        incomplete_details=None,
        max_prompt_tokens=None,
        max_completion_tokens=None,
        truncation_strategy=None,
        response_format="auto",
        tool_choice="auto",
    )


def _list(*items: dict[str, Any]) -> Json:
    first, last = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    return Json(
        {
            "object": "list",
            "data": list(items),
            "first_id": first,
            "last_id": last,
            "has_more": False,
        }
    )


def _run_events(asked: Asked) -> Iterator[bytes]:
    yield event(_run(asked, "queued"), "thread.run.created")
    yield event(_run(asked, "in_progress"), "thread.run.in_progress")
    empty = {**_message(asked, "assistant"), "content": [], "status": "in_progress"}
    yield event(empty, "thread.message.created")
    for index, word in enumerate(_ANSWER.split()):
        delta = {"index": 0, "type": "text", "text": {"value": f"{word} ", "annotations": []}}
        if index:
            del delta["text"]["annotations"]  # pyright: ignore[reportIndexIssue, reportArgumentType]
        about = {
            "id": "msg_standin",
            "object": "thread.message.delta",
            "delta": {"content": [delta]},
        }
        yield event(about, "thread.message.delta")
    yield event(_message(asked, "assistant", _ANSWER), "thread.message.completed")
    yield event(_run(asked, "completed"), "thread.run.completed")
    yield b"event: done\ndata: [DONE]\n\n"


def _start_run(asked: Asked) -> Reply:
    return Events(_run_events(asked)) if asked.streamed else Json(_run(asked, "queued"))


def _said(asked: Asked) -> Invalid | None:
    if asked.fields.get("role") not in ("user", "assistant"):
        return Invalid("Invalid value: 'role'.", "role")
    return None


_MESSAGES = "/v1/threads/{thread_id}/messages"
_RUNS = "/v1/threads/{thread_id}/runs"

ENDPOINTS = (
    Endpoint(
        ASSISTANTS,
        "POST",
        "/v1/assistants",
        lambda asked: Json(_assistant(asked)),
        required=("model",),
        content="instructions",
    ),
    Endpoint(
        ASSISTANTS, "GET", "/v1/assistants", lambda asked: _list(_assistant(asked)), accepts=""
    ),
    Endpoint(
        ASSISTANTS,
        "DELETE",
        "/v1/assistants/{assistant_id}",
        lambda asked: Json(
            {"id": asked.ids["assistant_id"], "object": "assistant.deleted", "deleted": True}
        ),
        accepts="",
    ),
    Endpoint(
        ASSISTANTS, "POST", "/v1/threads", lambda asked: Json(_thread(asked)), content="messages"
    ),
    Endpoint(
        ASSISTANTS,
        "GET",
        "/v1/threads/{thread_id}",
        lambda asked: Json(_thread(asked)),
        accepts="",
    ),
    Endpoint(
        ASSISTANTS,
        "POST",
        _MESSAGES,
        lambda asked: Json(_message(asked, "user", str(asked.fields["content"]))),
        required=("role", "content"),
        content="content",
        check=_said,
    ),
    Endpoint(ASSISTANTS, "GET", _MESSAGES, lambda asked: _list(_message(asked)), accepts=""),
    Endpoint(
        ASSISTANTS,
        "POST",
        _RUNS,
        _start_run,
        required=("assistant_id",),
        content="instructions",
        streams=True,
    ),
    Endpoint(
        ASSISTANTS,
        "GET",
        f"{_RUNS}/{{run_id}}",
        lambda asked: Json(_run(asked, "completed")),
        accepts="",
    ),
)
