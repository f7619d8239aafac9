"""Every entry point of LiteLLM: the one decorator, ``litellm.utils.client``, that all of them carry.

Two layers go around each entry point. The outer one, in here, around LiteLLM's own wrapper, is the call as
its user sees it: cache, cost and LiteLLM's bookkeeping are done when it returns. The inner one, in
`attempts`, is around the function that LiteLLM's wrapper calls.
"""

from __future__ import annotations

import functools
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded, report
from litellm_otel.hooks.attempts import Attempts, failure_in, failure_in_answer, failure_within
from litellm_otel.hooks.entry import Entry, current
from litellm_otel.model import Attempt, Failure, Outcome
from litellm_otel.reading.agents import agent_of
from litellm_otel.reading.arguments import (
    identity_in,
    is_health_check,
    model_of,
)
from litellm_otel.reading.entry_point import EntryPoint, entry_point_of, named
from litellm_otel.reading.failures import is_cancellation, outcome_of
from litellm_otel.reading.providers import server, shown_base, shown_model
from litellm_otel.reading.responses import (
    hidden_params_of,
    ingestion_failed,
    response_of,
    tool_failed,
    tool_of,
    whole_of,
)
from litellm_otel.reading.tries import in_tool_loop, tries_again, tries_others
from litellm_otel.reading.usage import cost_of, cost_parts_of, usage_of_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.hooks.streams import Streams
    from litellm_otel.recorder import Recorder


class EntryPoints:
    """Wraps ``litellm.utils.client`` so that what it decorates is recorded."""

    def __init__(self, recorder: Recorder, streams: Streams) -> None:
        self._recorder = recorder
        self._streams = streams
        self._attempts = Attempts(recorder)

    def wrap_client(self, client: Callable[..., Any]) -> Callable[..., Any]:
        """A decorator that does what ``client`` does, and records."""

        @functools.wraps(client)
        def recording_client(original_function: Callable[..., Any]) -> Any:
            about = entry_point_of(original_function)
            recorded: Any
            if inspect.iscoroutinefunction(original_function):
                attempt = self._attempts.wrap_async(original_function, about)
                recorded = self._async_entry(client(attempt), about)
            else:
                attempt = self._attempts.wrap_sync(original_function, about)
                recorded = self._sync_entry(client(attempt), about)
            recorded.__wrapped__ = original_function  # as LiteLLM's own decorator has it
            return recorded

        del recording_client.__wrapped__
        return recording_client

    def wrap_bare(self, function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
        """The same for an entry point that does not carry LiteLLM's decorator, known by ``name``."""
        about = replace(entry_point_of(function), decorated=False)
        if name:
            known = named(name)
            about = replace(
                known,
                positional=about.positional,
                default_provider=about.default_provider or known.default_provider,
                decorated=False,
            )
        if inspect.iscoroutinefunction(function):
            return self._async_entry(self._attempts.wrap_async(function, about), about)
        return self._sync_entry(self._attempts.wrap_sync(function, about), about)

    def wrap_spreading(self, function: Callable[..., Any], spread: str) -> Callable[..., Any]:
        """The same for a function that calls the entry point ``spread`` as often as it takes."""
        about = named(spread)
        if inspect.iscoroutinefunction(function):
            return self._async_entry(function, about, spreads=True)
        return self._sync_entry(function, about, spreads=True)

    def native_setup(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        """For what sets up LiteLLM's logging of a call that its native library makes."""
        made = wrapped(*args, **kwargs)
        self._note_logging(made)
        return made

    @guarded
    def _note_logging(self, made: Any) -> None:
        entry = current.get()
        if entry is None or entry.done or entry.attempt is None or entry.about.decorated:
            return
        entry.logging_obj = made.logger
        entry.attempt.call_id = made.logger.litellm_call_id
        if entry.call.around is None and entry.call.request.call_id is None:
            entry.call.request.call_id = entry.attempt.call_id
        self._recorder.expect_details(entry.attempt)

    def _async_entry(
        self, wrapped: Callable[..., Any], about: EntryPoint, *, spreads: bool = False
    ) -> Callable[..., Any]:
        @functools.wraps(wrapped)
        async def entry_point(*args: Any, **kwargs: Any) -> Any:
            entry = self._open(about, args, kwargs, spreads)
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

    def _sync_entry(
        self, wrapped: Callable[..., Any], about: EntryPoint, *, spreads: bool = False
    ) -> Callable[..., Any]:
        @functools.wraps(wrapped)
        def entry_point(*args: Any, **kwargs: Any) -> Any:
            entry = self._open(about, args, kwargs, spreads)
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
        self, about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any], spreads: bool
    ) -> Entry | None:
        if not self._recorder.active:
            return None
        outer = current.get()
        if outer is not None and not outer.done:
            if spreads:
                return None
            if outer.spreads:
                return self._open_try(outer, about, args, kwargs)
        logging_obj = kwargs.get("litellm_logging_obj")
        call_id = getattr(logging_obj, "litellm_call_id", None)
        around = None
        looped = in_tool_loop(kwargs)
        if outer is not None and not outer.done:
            around = outer.attempt
            if around is not None and around.outcome:
                around = None
            undecorated = not (outer.about.decorated and about.decorated)
            if around and undecorated and outer.about.kind is about.kind:
                return None
            of_other_kind = about.kind is not outer.about.kind
            within = around and (
                (
                    of_other_kind
                    and (outer.about.kind.composite or about.operation == "execute_tool")
                )
                or (looped and not outer.in_tool_loop)
            )
            if not within and (
                _is_inner_half(outer, call_id) or (around and _is_bridged(outer, about))
            ):
                return None
        recorder = self._recorder
        call = recorder.current_call() if around is None else None
        owner = call is None
        if call is None:
            given = about.arguments(args, kwargs)
            spreads = spreads or tries_others(about.kind.name, given)
            identity = identity_in(given)
            call = recorder.start_call(
                around,
                internal=is_health_check(identity),
                routed=spreads or tries_again(about.kind.name, given),
                model=around.call.model if around and looped else shown_model(model_of(given)),
                operation=about.operation,
                identity=identity,
            )
            if around is not None and about.is_inference and outer is not None:
                around.delegated = outer.about.is_inference or outer.about.kind.composite
        entry = Entry(about, call, owner)
        entry.in_tool_loop = looped
        entry.call_id = call_id
        entry.token = current.set(entry)
        if owner:
            entry.spreads = spreads
            entry.scope = recorder.emitter.enter(call) if call.routed else None
            entry.call_token = recorder.enter_call(call)
        return entry

    def _open_try(
        self, outer: Entry, about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Entry:
        """One of the calls that a call is made of."""
        call, model = outer.call, shown_model(model_of(about.arguments(args, kwargs)))
        if call.attempts and model != call.group:
            self._recorder.fall_back(call, model)
        entry = Entry(about, call, owner=False)
        entry.call_id = getattr(kwargs.get("litellm_logging_obj"), "litellm_call_id", None)
        entry.token = current.set(entry)
        return entry

    @guarded
    def _close(self, entry: Entry) -> None:
        entry.done = True
        # Copies of this context, in threads and tasks of LiteLLM's, outlive the call: they keep the entry.
        entry.logging_obj = None
        self._end_what_is_left(entry)
        self._recorder.emitter.leave(entry.scope)
        if entry.call_token is not None:
            self._recorder.leave_call(entry.call_token)
        if entry.token is not None:
            current.reset(entry.token)

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
        cancelled = is_cancellation(exception)
        failure = None if cancelled else failure_in(about, args, kwargs, exception)
        outcome = Outcome.CANCELLED if cancelled else Outcome.ERROR
        attempt = entry.attempt
        if entry.spreads:
            failure = entry.call.last_failure or failure
        elif attempt is None and not cancelled:
            attempt = self._unsent_attempt(entry, about, args, kwargs)
        if attempt is not None:
            if about.operation == "invoke_agent":
                attempt.target = attempt.target or agent_of(entry.logging_obj)
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
            report("EntryPoints._note_result")
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
        if entry.spreads:
            recorder.call_returned(call)
            return result
        hidden = hidden_params_of(result)
        if attempt is None:
            attempt = self._unsent_attempt(entry, about, args, kwargs)
            attempt.cache_hit = call.cache_hit = True
            attempt.cost = 0.0  # what the answer says is what it cost when it was made
        _complete_from_hidden_params(attempt, hidden)
        if about.operation == "invoke_agent":
            attempt.target = attempt.target or agent_of(entry.logging_obj)
        if attempt.of_tool:
            name, attempt.target_server = tool_of(entry.logging_obj)
            attempt.target = name or attempt.target
        if not attempt.outcome and self._streams.is_stream(result):
            result = self._streams.follow(result, attempt, entry)
        else:
            if attempt.content is not None and recorder.contents is not None:
                recorder.contents.answered(attempt, result)
            told = whole_of(result)
            attempt.response = response_of(told)
            attempt.usage = usage_of_result(told) or attempt.usage
            if not about.makes_tokens and not attempt.usage.output_tokens:
                attempt.usage.output_tokens = None
            if about.kind.billed and not attempt.cache_hit:
                # What is only fetched has been paid for, whatever LiteLLM makes of it.
                attempt.cost = cost_of(hidden.get("response_cost"))
                attempt.cost_parts = cost_parts_of(
                    getattr(entry.logging_obj, "cost_breakdown", None)
                )
            if about.kind.quantity is not None:
                given = about.arguments(args, kwargs)
                attempt.quantity = about.kind.quantity(given, result)
            recorder.end_attempt(attempt, *_ending(attempt, about, result))
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
        attempt = self._attempts.read(entry.call, about, args, kwargs)
        attempt.sent = False
        # It is told of when it is over: what it took is looking into the cache, or at the request.
        attempt.start_ns, attempt.start_clock = entry.start_ns, entry.start_clock
        if self._recorder.contents is not None:
            self._recorder.contents.asked_unsent(attempt, about, about.arguments(args, kwargs))
        self._recorder.start_attempt(attempt)
        entry.attempt = attempt
        return attempt


def _is_inner_half(outer: Entry, call_id: str | None) -> bool:
    """LiteLLM hands its logging object on when one entry point is made of another."""
    return call_id is not None and outer.call_id in (None, call_id)


def _is_bridged(outer: Entry, about: EntryPoint) -> bool:
    """Some entry points answer through another, with a logging object of its own: it is one call."""
    return (
        about.is_inference
        and outer.about.is_inference
        and about.plain_name != outer.about.plain_name
    )


def _ending(attempt: Attempt, about: EntryPoint, result: Any) -> tuple[str, Failure | None]:
    """How a call ended that has returned. A session returns also when it has failed."""
    if isinstance(result, Exception):
        return Outcome.ERROR, failure_within(attempt, result)
    if tool_failed(result):
        return Outcome.ERROR, Failure(type="tool_error")
    failure = failure_in_answer(attempt) if about.is_inference else None
    if failure is not None:
        return Outcome.ERROR, failure
    if about.operation == "rag_ingest" and ingestion_failed(result):
        return Outcome.ERROR, Failure(type="ingestion_failed")
    session = attempt.call.request
    if session.ending in ("", Outcome.COMPLETED):
        return Outcome.COMPLETED, None
    return session.ending, session.failure


def _complete_from_hidden_params(attempt: Attempt, hidden: Any) -> None:
    if not attempt.provider and isinstance(hidden.get("custom_llm_provider"), str):
        attempt.provider = hidden["custom_llm_provider"]
    if attempt.server_address is None and isinstance(hidden.get("api_base"), str):
        attempt.server_address, attempt.server_port = server(hidden["api_base"])
        attempt.api_base = shown_base(hidden["api_base"])
    if attempt.deployment_id is None and isinstance(hidden.get("model_id"), str):
        attempt.deployment_id = hidden["model_id"]
