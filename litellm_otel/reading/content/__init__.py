"""LiteLLM's requests, responses and chunks → `litellm_otel.model.content`, where content is asked for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from litellm_otel.boundary import guarded
from litellm_otel.model import Attempt, Outcome
from litellm_otel.model.content import Content, Withheld
from litellm_otel.reading.content.answers import Answers
from litellm_otel.reading.content.messages import Messages
from litellm_otel.reading.content.parts import Parts
from litellm_otel.reading.content.requests import TOOL, Requests
from litellm_otel.reading.content.sessions import Session
from litellm_otel.reading.content.streamed import Streamed
from litellm_otel.reading.content.withholding import (
    guarded_at,
    guarded_before_sending,
    guarded_in_session,
    withheld,
)
from litellm_otel.reading.entry_point import EntryPoint
from litellm_otel.reading.secrets import secrets_of
from litellm_otel.reading.shapes import field_of


class ContentReader:
    """Fills ``attempt.content``: what is asked when the attempt starts, what is answered when it ends.

    Nothing is read that LiteLLM would not log: `litellm_otel.reading.content.withholding`.
    """

    def __init__(self, *, blobs: bool = False) -> None:
        self._parts = parts = Parts(blobs)
        self._messages = messages = Messages(parts)
        self._requests = Requests(parts, messages)
        self._answers = Answers(parts, messages)
        self._streamed = Streamed(parts, messages, self._answers)

    @guarded
    def asked(self, attempt: Attempt, about: EntryPoint, arguments: Mapping[str, Any]) -> None:
        """The attempt begins, with these arguments."""
        reason = withheld(arguments)
        if not reason and about.kind.session and guarded_in_session(arguments):
            reason = Withheld.INPUT_GUARDRAIL
        if reason:
            attempt.content = Content(withheld=reason)
            attempt.call.request.conversation = None
            return
        names = about.kind.content
        tool = attempt.operation == TOOL
        if tool and guarded_at(arguments, "pre_mcp_call"):
            attempt.content = Content(withheld=Withheld.INPUT_GUARDRAIL)
            return
        content = self._requests.read(arguments, names, attempt.operation)
        content.secrets = tuple(secrets_of(arguments))
        if guarded_at(arguments, "post_mcp_call" if tool else "post_call"):
            content.withheld = Withheld.OUTPUT_GUARDRAIL
        attempt.content = content

    @guarded
    def passed_through(
        self, attempt: Attempt, body: object, headers: object, logging_obj: object
    ) -> None:
        """The attempt begins, with this body of a provider's own API from a client with these headers."""
        arguments: dict[str, Any] = {
            "json": body,
            "metadata": {"headers": headers or {}},
            "no-log": field_of(body, "no-log"),
            "litellm_logging_obj": logging_obj,
        }
        reason = withheld(arguments)
        if reason:
            attempt.content = Content(withheld=reason)
        else:
            content = self._requests.read(arguments, ("json",), attempt.operation)
            content.secrets = tuple(secrets_of(arguments))
            attempt.content = content

    @guarded
    def conversation(self) -> Session:
        """What reads a session: neither side says anything to LiteLLM's entry point."""
        return Session(self._parts, self._messages, self._streamed)

    @guarded
    def asked_unsent(
        self, attempt: Attempt, about: EntryPoint, arguments: Mapping[str, Any]
    ) -> None:
        """The same of one that LiteLLM answered or refused by itself."""
        if guarded_before_sending():
            attempt.content = Content(withheld=Withheld.INPUT_GUARDRAIL)
        else:
            self.asked(attempt, about, arguments)

    @guarded
    def answered(self, attempt: Attempt, result: object) -> None:
        """The attempt has this response."""
        content = attempt.content
        if content is not None and not content.withheld:
            self._answers.read(content, result, attempt.operation == TOOL)

    @guarded
    def answered_in_bytes(self, attempt: Attempt, body: object) -> None:
        """The same of a response of a provider's own API that was passed through."""
        if isinstance(body, bytes):
            with contextlib.suppress(ValueError):
                self.answered(attempt, json.loads(body))

    @guarded
    def ended(self, attempt: Attempt, arguments: Mapping[str, Any]) -> None:
        """The provider was asked: by now LiteLLM has made up its mind on logging."""
        content, attempt.content = attempt.content, None  # for good, if what follows breaks
        conversation = attempt.call.request.conversation
        if content is not None and content.withheld in ("", Withheld.OUTPUT_GUARDRAIL):
            reason = withheld(arguments)
            if reason:
                content = Content(withheld=reason)
        if content is not None and not content.withheld and conversation is not None:
            conversation.put_into(content)
        attempt.content = content

    @guarded
    def streamed(self, attempt: Attempt, chunks: Sequence[object]) -> None:
        """The attempt's stream is over, read to its end or not."""
        content = attempt.content
        if content is None or content.withheld:
            return
        self._streamed.read(content, chunks)
        if attempt.outcome == Outcome.COMPLETED:
            for message in content.output:
                if message.finish_reason == "error":
                    message.finish_reason = None  # the provider gave none, LiteLLM made one up
