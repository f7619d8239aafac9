"""The proxy's pass-through: a request handed on to a provider as it came, answered whole or as it streams in.

``pass_through_request`` is the call. The attempt begins where LiteLLM, done with its own checks, is about
to send: at ``init_kwargs_for_pass_through_endpoint``, which also knows the call's id.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.hooks.streams import MAX_CHUNKS
from litellm_otel.model import Attempt, Call, Failure, Outcome
from litellm_otel.reading.arguments import contents_of, identity_of_key
from litellm_otel.reading.failures import (
    failure_of,
    failure_of_refusal,
    failure_of_status,
    outcome_of,
)
from litellm_otel.reading.pass_through import Asked, asked, provider_of
from litellm_otel.reading.secrets import secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.hooks.streams import Streams
    from litellm_otel.recorder import Recorder

_now = time.perf_counter_ns


class Passing:
    """One request being passed through."""

    __slots__ = (
        "asked",
        "attempt",
        "call",
        "call_token",
        "headers",
        "provider",
        "scope",
        "stream",
        "target",
        "token",
    )

    def __init__(
        self, call: Call, target: str, asked: Asked, provider: str, stream: bool, headers: Any
    ) -> None:
        self.call = call
        self.target = target
        self.asked = asked
        self.provider = provider
        self.stream = stream
        self.headers = headers
        self.attempt: Attempt | None = None
        self.scope: object = None
        self.token: contextvars.Token[Passing | None] | None = None
        self.call_token: contextvars.Token[Call | None] | None = None

    def unquotable(self) -> tuple[list[str], list[str]]:
        """The contents and the secrets that no failure of it may quote."""
        given = {"headers": self.headers, "url": self.target}
        return contents_of(self.asked.contents, tuple(self.asked.contents)), secrets_of(given)


_passing: contextvars.ContextVar[Passing | None] = contextvars.ContextVar(
    "litellm_otel_passing", default=None
)


class PassThrough:
    """Watches ``pass_through_request`` and what it sends."""

    def __init__(self, recorder: Recorder, streams: Streams) -> None:
        self._recorder = recorder
        self._streams = streams

    async def pass_through_request(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        passing = self._open(args, kwargs)
        if passing is None:
            return await wrapped(*args, **kwargs)
        try:
            response = await wrapped(*args, **kwargs)
        except BaseException as exception:
            self._failed(passing, exception)
            raise
        else:
            self._answered(passing, response)
            return response
        finally:
            self._close(passing)

    def wrap_init_kwargs(self, present: Callable[..., Any]) -> Any:
        """For the static method that is called once LiteLLM is about to send."""

        def init_kwargs(*args: Any, **kwargs: Any) -> Any:
            self._sending(kwargs)
            return present(*args, **kwargs)

        return staticmethod(init_kwargs)

    @guarded
    def _open(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Passing | None:
        recorder = self._recorder
        if not recorder.active or recorder.current_request() is None or recorder.current_call():
            return None
        names = ("request", "target", "custom_headers", "user_api_key_dict", "custom_body")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        target = str(given.get("target") or "")
        what = asked(target, given.get("custom_body"))
        call = recorder.start_call(
            model="",  # until the provider has accepted it: clients can write anything
            operation=what.operation,
            identity=identity_of_key(given.get("user_api_key_dict")),
        )
        provider = provider_of(given.get("custom_llm_provider"), call.request.path)
        headers = given.get("custom_headers")
        passing = Passing(call, target, what, provider, given.get("stream") is True, headers)
        passing.call_token = recorder.enter_call(call)
        passing.token = _passing.set(passing)
        return passing

    @guarded
    def _sending(self, kwargs: dict[str, Any]) -> None:
        passing = _passing.get()
        if passing is None or passing.attempt is not None:
            return
        call = passing.call
        passing.asked = what = asked(passing.target, kwargs.get("_parsed_body"))
        attempt = passing.attempt = Attempt(
            call=call,
            operation=what.operation,
            call_type="pass_through_request",
            model=what.model,
            provider=passing.provider,
            server_address=what.server_address,
            server_port=what.server_port,
            call_id=kwargs.get("litellm_call_id"),
            identity=call.identity,
            stream=passing.stream,
            unquotable=passing.unquotable,
        )
        if self._recorder.contents is not None:
            self._recorder.contents.passed_through(
                attempt,
                kwargs.get("_parsed_body"),
                getattr(kwargs.get("request"), "headers", None),
                kwargs.get("logging_obj"),
            )
        self._recorder.start_attempt(attempt)
        self._recorder.expect_details(attempt)
        passing.scope = self._recorder.emitter.enter(attempt)

    @guarded
    def _close(self, passing: Passing) -> None:
        recorder, attempt, call = self._recorder, passing.attempt, passing.call
        if attempt is not None and not attempt.outcome and not recorder.is_streaming(attempt):
            # Reading the answer has failed.
            recorder.end_attempt(attempt, Outcome.COMPLETED)
            recorder.settle_attempt(attempt)
        if not call.returned and not call.end_ns:
            recorder.end_call(call, Outcome.COMPLETED)
        recorder.emitter.leave(passing.scope)
        if passing.token is not None:
            _passing.reset(passing.token)
        if passing.call_token is not None:
            recorder.leave_call(passing.call_token)

    @guarded
    def _failed(self, passing: Passing, exception: BaseException) -> None:
        recorder, attempt, call = self._recorder, passing.attempt, passing.call
        cancelled = isinstance(exception, (asyncio.CancelledError, GeneratorExit))
        failure = None if cancelled else self._failure(passing, exception)
        if attempt is not None:
            outcome = Outcome.CANCELLED if cancelled else Outcome.ERROR
            recorder.end_attempt(attempt, outcome, failure)
            recorder.settle_attempt(attempt)
        if failure is None:
            ending = Outcome.CANCELLED
        elif attempt is None and (failure.status_code or 500) < 500:
            ending = Outcome.REJECTED  # by the proxy itself
        else:
            ending = outcome_of(failure)
        recorder.end_call(call, ending, failure)

    def _failure(self, passing: Passing, exception: BaseException) -> Failure:
        """LiteLLM turns what went wrong into an exception of its proxy: what it came of says more."""
        cause = exception.__context__
        if type(exception).__name__ == "ProxyException" and isinstance(cause, Exception):
            exception = cause
        contents, secrets = passing.unquotable()
        if passing.attempt is None:
            return failure_of_refusal(exception, contents, secrets, authenticating=False)
        return failure_of(exception, contents, secrets)

    @guarded
    def _answered(self, passing: Passing, response: Any) -> None:
        recorder, attempt, call = self._recorder, passing.attempt, passing.call
        if attempt is None:  # LiteLLM's own answer
            recorder.end_call(call, Outcome.COMPLETED)
            return
        status = response.status_code
        if status >= 400:
            failure = failure_of_status(status)
            recorder.end_attempt(attempt, Outcome.ERROR, failure)
            recorder.settle_attempt(attempt)
            recorder.end_call(call, outcome_of(failure), failure)
            return
        if attempt.model:
            call.model = call.group = call.request.model = attempt.model
        body = getattr(response, "body_iterator", None)
        if body is None:
            if attempt.content is not None and recorder.contents is not None:
                recorder.contents.answered_in_bytes(attempt, getattr(response, "body", None))
            recorder.end_attempt(attempt, Outcome.COMPLETED)
            recorder.await_details(attempt)
        else:
            events = str(response.headers.get("content-type", "")).startswith("text/event-stream")
            recorder.stream_opened(attempt)
            attempt.stream = attempt.stream or events
            response.body_iterator = FollowedBody(body, attempt, self._streams)
        recorder.call_returned(call)


class FollowedBody:
    """A response's body on its way to the client. Keeps nothing of it, unless content is asked for."""

    def __init__(self, body: Any, attempt: Attempt, streams: Streams) -> None:
        self._body = body
        self._attempt = attempt
        self._streams = streams
        self._kept: list[Any] | None = [] if attempt.content is not None else None

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        attempt = self._attempt
        try:
            chunk = await self._body.__anext__()
        except StopAsyncIteration:
            self._read()
            self._streams.ended(attempt, None)
            raise
        except BaseException as exception:
            self._read()
            self._streams.broke(attempt, exception, None)
            raise
        attempt.last_chunk_clock = clock = _now()
        if not attempt.chunks:
            attempt.first_chunk_clock = clock
        attempt.chunks += 1
        if self._kept is not None and len(self._kept) < MAX_CHUNKS:
            self._kept.append(chunk)
        return chunk

    @guarded
    def _read(self) -> None:
        kept, self._kept = self._kept, None
        if kept:
            self._streams.said(self._attempt, kept)

    async def aclose(self) -> None:
        self._read()
        self._streams.closed(self._attempt, None)
        await self._body.aclose()

    def __del__(self) -> None:
        self._read()
        self._streams.collected(self._attempt, None)
