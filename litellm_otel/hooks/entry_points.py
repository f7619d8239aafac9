"""Every entry point of LiteLLM: the one decorator, ``litellm.utils.client``, that all of them carry.

Two layers go around each entry point. The outer one, around LiteLLM's own wrapper, is the call as its
user sees it: cache, cost and LiteLLM's bookkeeping are done when it returns. The inner one, around the
function LiteLLM's wrapper calls, is one attempt: the wrapper's own retries call it again.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.model import Attempt, Call, Failure, Outcome
from litellm_otel.reading.arguments import (
    contents_of,
    deployment_id_of,
    identity_of,
    metadata_of,
    model_of,
    parameters_of,
    server_of,
    target_of,
)
from litellm_otel.reading.call_kinds import EntryPoint, entry_point_of
from litellm_otel.reading.failures import failure_of, outcome_of
from litellm_otel.reading.providers import model_and_provider, server
from litellm_otel.reading.responses import hidden_params_of, response_of
from litellm_otel.reading.usage import cost_of, cost_parts_of, usage_of_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.hooks.streams import Streams
    from litellm_otel.recorder import Recorder

_entry: contextvars.ContextVar[Entry | None] = contextvars.ContextVar(
    "litellm_otel_entry", default=None
)


class Entry:
    """One use of an entry point, while it runs."""

    __slots__ = (
        "attempt",
        "call",
        "call_id",
        "call_token",
        "done",
        "ending",
        "logging_obj",
        "owner",
        "token",
    )

    def __init__(self, call: Call, owner: bool) -> None:
        self.call = call
        self.owner = owner
        """True where the call was started for this use, and ends with it."""
        self.call_id: str | None = None
        self.logging_obj: Any = None
        """LiteLLM's ``Logging`` of this use."""
        self.attempt: Attempt | None = None
        self.done = False
        self.ending = Outcome.COMPLETED
        """How it ends if nothing more can be read of it."""
        self.token: contextvars.Token[Entry | None] | None = None
        self.call_token: contextvars.Token[Call | None] | None = None


class EntryPoints:
    """Wraps ``litellm.utils.client`` so that what it decorates is recorded."""

    def __init__(self, recorder: Recorder, streams: Streams) -> None:
        self._recorder = recorder
        self._streams = streams

    def wrap_client(self, client: Callable[..., Any]) -> Callable[..., Any]:
        """A decorator that does what ``client`` does, and records."""

        @functools.wraps(client)
        def recording_client(original_function: Callable[..., Any]) -> Any:
            about = entry_point_of(original_function)
            if inspect.iscoroutinefunction(original_function):
                return self._async_entry(
                    client(self._async_attempt(original_function, about)), about
                )
            return self._sync_entry(client(self._sync_attempt(original_function, about)), about)

        return recording_client

    # -- the outer layer ----------------------------------------------------------------------

    def _async_entry(self, wrapped: Callable[..., Any], about: EntryPoint) -> Callable[..., Any]:
        @functools.wraps(wrapped)
        async def entry_point(*args: Any, **kwargs: Any) -> Any:
            entry = self._open(about, args, kwargs)
            if entry is None:
                return await wrapped(*args, **kwargs)
            try:
                result = await wrapped(*args, **kwargs)
            except BaseException as exception:
                entry.ending = Outcome.ERROR
                self._failed(entry, about, args, kwargs, exception)
                raise
            else:
                return self._returned(entry, about, args, kwargs, result)
            finally:
                self._close(entry)

        return entry_point

    def _sync_entry(self, wrapped: Callable[..., Any], about: EntryPoint) -> Callable[..., Any]:
        @functools.wraps(wrapped)
        def entry_point(*args: Any, **kwargs: Any) -> Any:
            entry = self._open(about, args, kwargs)
            if entry is None:
                return wrapped(*args, **kwargs)
            try:
                result = wrapped(*args, **kwargs)
            except BaseException as exception:
                entry.ending = Outcome.ERROR
                self._failed(entry, about, args, kwargs, exception)
                raise
            else:
                return self._returned(entry, about, args, kwargs, result)
            finally:
                self._close(entry)

        return entry_point

    @guarded
    def _open(
        self, about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Entry | None:
        if not self._recorder.active:
            return None
        outer = _entry.get()
        logging_obj = kwargs.get("litellm_logging_obj")
        call_id = getattr(logging_obj, "litellm_call_id", None)
        if outer is not None and not outer.done and _is_inner_half(outer, call_id):
            return None
        recorder = self._recorder
        call = recorder.current_call()
        owner = call is None
        if call is None:
            given = about.arguments(args, kwargs)
            call = recorder.start_call(
                model=model_of(given),
                operation=about.operation,
                identity=identity_of(metadata_of(given)),
            )
        entry = Entry(call, owner)
        entry.call_id = call_id
        entry.token = _entry.set(entry)
        if owner:
            entry.call_token = recorder.enter_call(call)
        return entry

    @guarded
    def _close(self, entry: Entry) -> None:
        entry.done = True
        self._end_what_is_left(entry)
        if entry.call_token is not None:
            self._recorder.leave_call(entry.call_token)
        if entry.token is not None:
            _entry.reset(entry.token)

    def _end_what_is_left(self, entry: Entry) -> None:
        """Nothing, unless reading the call or its result broke."""
        attempt, call, recorder = entry.attempt, entry.call, self._recorder
        if attempt is not None and recorder.is_streaming(attempt):
            return
        if attempt is not None and recorder.end_attempt(attempt, entry.ending):
            recorder.settle_attempt(attempt)
        if entry.owner and not call.end_ns and not call.returned:
            recorder.end_call(call, entry.ending)

    @guarded
    def _failed(
        self,
        entry: Entry,
        about: EntryPoint,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        exception: BaseException,
    ) -> None:
        cancelled = isinstance(exception, (asyncio.CancelledError, GeneratorExit))
        failure = None if cancelled else self._failure(about, kwargs, exception)
        outcome = Outcome.CANCELLED if cancelled else Outcome.ERROR
        attempt = entry.attempt
        if attempt is None and not cancelled:
            attempt = self._unsent_attempt(entry, about, args, kwargs)
        if attempt is not None:
            self._recorder.end_attempt(attempt, outcome, failure)
            self._recorder.settle_attempt(attempt)
        if entry.owner:
            ending = outcome_of(failure) if failure is not None else outcome
            self._recorder.end_call(entry.call, ending, failure)

    def _returned(
        self,
        entry: Entry,
        about: EntryPoint,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> Any:
        try:
            return self._note_result(entry, about, args, kwargs, result)
        except Exception:
            guarded(_reraise)()
            return result

    def _note_result(
        self,
        entry: Entry,
        about: EntryPoint,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> Any:
        recorder, call, attempt = self._recorder, entry.call, entry.attempt
        hidden = hidden_params_of(result)
        if attempt is None:
            attempt = self._unsent_attempt(entry, about, args, kwargs)
            attempt.cache_hit = call.cache_hit = True
        _complete_from_hidden_params(attempt, hidden)
        if not attempt.outcome and self._streams.is_stream(result):
            result = self._streams.follow(result, attempt)
        else:
            attempt.response = response_of(result)
            attempt.usage = usage_of_result(result) or attempt.usage
            attempt.cost = cost_of(hidden.get("response_cost"))
            attempt.cost_parts = cost_parts_of(getattr(entry.logging_obj, "cost_breakdown", None))
            if about.kind.quantity is not None:
                given = about.arguments(args, kwargs)
                attempt.quantity = about.kind.quantity(given, result)
            recorder.end_attempt(attempt, Outcome.COMPLETED)
            if about.kind.billed and attempt.sent and "response_cost" not in hidden:
                recorder.await_details(attempt)  # a plain mapping, which LiteLLM can't annotate
            else:
                recorder.settle_attempt(attempt)
        if entry.owner:
            recorder.call_returned(call)
        return result

    def _unsent_attempt(
        self, entry: Entry, about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Attempt:
        """LiteLLM answered, or refused, without asking a provider."""
        attempt = self._read_attempt(entry.call, about, args, kwargs)
        attempt.sent = False
        self._recorder.start_attempt(attempt)
        entry.attempt = attempt
        return attempt

    # -- the inner layer ----------------------------------------------------------------------

    def _async_attempt(self, original: Callable[..., Any], about: EntryPoint) -> Callable[..., Any]:
        @functools.wraps(original)
        async def attempt_function(*args: Any, **kwargs: Any) -> Any:
            attempt = self._start(about, args, kwargs)
            if attempt is None:
                return await original(*args, **kwargs)
            token = self._recorder.emitter.enter(attempt)
            try:
                return await original(*args, **kwargs)
            except BaseException as exception:
                self._attempt_failed(attempt, about, kwargs, exception)
                raise
            finally:
                self._recorder.emitter.leave(token)

        return attempt_function

    def _sync_attempt(self, original: Callable[..., Any], about: EntryPoint) -> Callable[..., Any]:
        @functools.wraps(original)
        def attempt_function(*args: Any, **kwargs: Any) -> Any:
            attempt = self._start(about, args, kwargs)
            if attempt is None:
                return original(*args, **kwargs)
            token = self._recorder.emitter.enter(attempt)
            try:
                return original(*args, **kwargs)
            except BaseException as exception:
                self._attempt_failed(attempt, about, kwargs, exception)
                raise
            finally:
                self._recorder.emitter.leave(token)

        return attempt_function

    @guarded
    def _start(
        self, about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Attempt | None:
        entry = _entry.get()
        if entry is None or entry.done:
            return None
        if entry.attempt is not None:
            if not entry.attempt.outcome:
                return None  # the inner half of the attempt that is under way
            self._recorder.settle_attempt(entry.attempt)
        attempt = self._read_attempt(entry.call, about, args, kwargs)
        entry.call_id = attempt.call_id
        entry.logging_obj = kwargs.get("litellm_logging_obj")
        entry.attempt = attempt
        self._recorder.start_attempt(attempt)
        return attempt

    def _read_attempt(
        self, call: Call, about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Attempt:
        given = about.arguments(args, kwargs)
        kind = about.kind
        base = given.get("api_base") or given.get("base_url")
        provider = given.get(kind.provider) or about.default_provider
        model, provider = model_and_provider(
            model_of(given),
            provider if isinstance(provider, str) else None,
            base if isinstance(base, str) else None,
        )
        address, port = server_of(given)
        stream = given.get("stream") is True or about.name.endswith("_stream")
        call_id = getattr(given.get("litellm_logging_obj"), "litellm_call_id", None)
        return Attempt(
            call=call,
            operation=about.operation,
            call_type=about.name,
            model=model,
            target=target_of(about, given),
            provider=provider,
            server_address=address,
            server_port=port,
            deployment_id=deployment_id_of(given),
            call_id=call_id or given.get("litellm_call_id"),
            identity=call.identity if call.identity.key_hash else identity_of(metadata_of(given)),
            parameters=parameters_of(kind, given),
            unit=kind.unit,
            stream=stream,
            asked=given.get(kind.content[0]) if stream and kind.content else None,
        )

    @guarded
    def _attempt_failed(
        self,
        attempt: Attempt,
        about: EntryPoint,
        kwargs: dict[str, Any],
        exception: BaseException,
    ) -> None:
        if isinstance(exception, (asyncio.CancelledError, GeneratorExit)):
            self._recorder.end_attempt(attempt, Outcome.CANCELLED)
        else:
            # Settled when the entry point returns or tries again: until then LiteLLM's failure
            # handlers run, and with them the cooldown the failure causes.
            failure = self._failure(about, kwargs, exception)
            self._recorder.end_attempt(attempt, Outcome.ERROR, failure)

    @staticmethod
    def _failure(about: EntryPoint, kwargs: dict[str, Any], exception: BaseException) -> Failure:
        return failure_of(exception, contents_of(kwargs, about.kind.content))


def _is_inner_half(outer: Entry, call_id: str | None) -> bool:
    """LiteLLM hands its logging object on when one entry point is made of another."""
    return call_id is not None and outer.call_id in (None, call_id)


def _complete_from_hidden_params(attempt: Attempt, hidden: Any) -> None:
    if not attempt.provider and isinstance(hidden.get("custom_llm_provider"), str):
        attempt.provider = hidden["custom_llm_provider"]
    if attempt.server_address is None and isinstance(hidden.get("api_base"), str):
        attempt.server_address, attempt.server_port = server(hidden["api_base"])
    if attempt.deployment_id is None and isinstance(hidden.get("model_id"), str):
        attempt.deployment_id = hidden["model_id"]


def _reraise() -> None:
    raise  # called from an except block, to be reported by `guarded`
