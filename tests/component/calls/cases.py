"""A good call of every LiteLLM entry point, in each way it can be answered.

`CASES` is held against the functions that LiteLLM's decorator has really seen, and against the table of
call kinds: what is in neither `CASES` nor the exceptions fails a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.component.calls import (
    cases_of_media,
    cases_of_others,
    cases_of_storage,
    cases_of_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.component.calls.case import Case

CASES: tuple[Case, ...] = (
    *cases_of_text.CHAT,
    *cases_of_text.RESPONSES,
    *cases_of_text.ANTHROPIC,
    *cases_of_text.GEMINI,
    *cases_of_text.PASSED_THROUGH,
    *cases_of_media.MEDIA,
    *cases_of_storage.STORED,
    *cases_of_others.OTHERS,
)

WITHOUT_CASE: Mapping[str, str] = {
    "litellm.realtime_api.main:_arealtime": "a websocket, with tests of its own",
    "litellm.responses.main:_aresponses_websocket": "a websocket, with tests of its own",
    "litellm.main:completion_with_retries": "makes calls of entry points that have cases",
    "litellm.main:acompletion_with_retries": "makes calls of entry points that have cases",
    "litellm.main:responses_with_retries": "makes calls of entry points that have cases",
    "litellm.main:aresponses_with_retries": "makes calls of entry points that have cases",
    "litellm.assistants.main:": "assistants, with tests of their own",
    "litellm.a2a_protocol.main:": "agents, with tests of their own",
    "litellm.proxy._experimental.mcp_server.operations:": "tools, with tests of their own",
}
"""Entry points, or whole modules of them, that are not called here, and why."""

ROWS_WITHOUT_CASE: Mapping[str, str] = {
    "realtime": "a websocket, with tests of its own",
    "responses_websocket": "a websocket, with tests of its own",
    "pass_through_request": "the proxy's",
    "call_mcp_tool": "tools, with tests of their own",
    "a2a_protocol:send_message": "agents, with tests of their own",
    "a2a_protocol:send_message_streaming": "agents, with tests of their own",
    "run_thread_stream": "assistants, with tests of their own",
    "run_thread": "assistants, with tests of their own",
    "create_assistants": "assistants, with tests of their own",
    "get_assistants": "assistants, with tests of their own",
    "delete_assistant": "assistants, with tests of their own",
    "create_thread": "assistants, with tests of their own",
    "get_thread": "assistants, with tests of their own",
    "add_message": "assistants, with tests of their own",
    "get_messages": "assistants, with tests of their own",
}
"""Functions in the table of call kinds that are not called here, and why."""
