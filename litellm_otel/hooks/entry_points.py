"""Every entry point of LiteLLM: the one decorator, ``litellm.utils.client``, that all of them carry.

Two layers go around each entry point. The outer one, around LiteLLM's own wrapper, is the call as its
user sees it: cache, cost and LiteLLM's bookkeeping are done when it returns. The inner one, around the
function LiteLLM's wrapper calls, is one attempt: the wrapper's own retries call it again.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded, report
from litellm_otel.model import Attempt, Call, Failure, Outcome
from litellm_otel.reading.arguments import (
    contents_of,
    deployment_id_of,
    identity_in,
    is_health_check,
    is_streamed,
    model_of,
    parameters_of,
    provider_of,
    server_of,
    target_of,
)
from litellm_otel.reading.call_kinds import EntryPoint, entry_point_of, named
from litellm_otel.reading.failures import failure_of, is_cancellation, outcome_of
from litellm_otel.reading.providers import model_and_provider, server, shown_base, shown_model
from litellm_otel.reading.responses import (
    agent_of,
    hidden_params_of,
    ingestion_failed,
    response_of,
    tool_failed,
    whole_of,
)
from litellm_otel.reading.secrets import secrets_of
from litellm_otel.reading.tries import tries_again, tries_others
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
        "about",
        "attempt",
        "call",
        "call_id",
        "call_token",
        "done",
        "ending",
        "logging_obj",
        "owner",
        "scope",
        "spreads",
        "token",
    )

    def __init__(self, about: EntryPoint, call: Call, owner: bool) -> None:
        self.about = about
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
        self.spreads = False
        """True where it is made of uses of entry points itself, each with attempts of the same call."""
        self.scope: object = None
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
            recorded: Any
            if inspect.iscoroutinefunction(original_function):
                attempt = self._async_attempt(original_function, about)
                recorded = self._async_entry(client(attempt), about)
            else:
                attempt = self._sync_attempt(original_function, about)
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
            return self._async_entry(self._async_attempt(function, about), about)
        return self._sync_entry(self._sync_attempt(function, about), about)

    def wrap_spreading(self, function: Callable[..., Any], spread: str) -> Callable[..., Any]:
        """The same for a function that calls the entry point ``spread`` as often as it takes."""
        about = named(spread)
        if inspect.iscoroutinefunction(function):
            return self._async_entry(function, about, spreads=True)
        return self._sync_entry(function, about, spreads=True)

    def native_setup(
        self,
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """For what sets up LiteLLM's logging of a call that its native library makes."""
        made = wrapped(*args, **kwargs)
        self._note_logging(made)
        return made

    @guarded
    def _note_logging(self, made: Any) -> None:
        entry = _entry.get()
        if entry is None or entry.done or entry.attempt is None or entry.about.decorated:
            return
        entry.logging_obj = made.logger
        entry.attempt.call_id = made.logger.litellm_call_id
        if entry.call.around is None and entry.call.request.call_id is None:
            entry.call.request.call_id = entry.attempt.call_id
        self._recorder.expect_details(entry.attempt)

    # -- the outer layer ----------------------------------------------------------------------

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
        outer = _entry.get()
        if outer is not None and not outer.done:
            if spreads:
                return None
            if outer.spreads:
                return self._open_try(outer, about, args, kwargs)
        logging_obj = kwargs.get("litellm_logging_obj")
        call_id = getattr(logging_obj, "litellm_call_id", None)
        around = None
        if outer is not None and not outer.done:
            around = outer.attempt
            if around is not None and around.outcome:
                around = None
            undecorated = not (outer.about.decorated and about.decorated)
            if around and undecorated and outer.about.kind is about.kind:
                return None
            within = around and outer.about.kind.composite and about.kind is not outer.about.kind
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
                model=shown_model(model_of(given)),
                operation=about.operation,
                identity=identity,
            )
            if around is not None and about.is_inference and outer is not None:
                around.delegated = outer.about.is_inference or outer.about.kind.composite
        entry = Entry(about, call, owner)
        entry.call_id = call_id
        entry.token = _entry.set(entry)
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
        entry.token = _entry.set(entry)
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
        cancelled = is_cancellation(exception)
        failure = None if cancelled else self._failure(about, args, kwargs, exception)
        outcome = Outcome.CANCELLED if cancelled else Outcome.ERROR
        attempt = entry.attempt
        if entry.spreads:
            failure = entry.call.last_failure or failure
        elif attempt is None and not cancelled:
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
        _complete_from_hidden_params(attempt, hidden)
        if about.operation == "invoke_agent":
            attempt.target = attempt.target or agent_of(entry.logging_obj)
        if not attempt.outcome and self._streams.is_stream(result):
            result = self._streams.follow(result, attempt)
        else:
            if attempt.content is not None and recorder.contents is not None:
                recorder.contents.answered(attempt, result)
            told = whole_of(result)
            attempt.response = response_of(told)
            attempt.usage = usage_of_result(told) or attempt.usage
            if not about.makes_tokens and not attempt.usage.output_tokens:
                attempt.usage.output_tokens = None
            if about.kind.billed:
                # What is only fetched has been paid for, whatever LiteLLM makes of it.
                attempt.cost = cost_of(hidden.get("response_cost"))
                attempt.cost_parts = cost_parts_of(
                    getattr(entry.logging_obj, "cost_breakdown", None)
                )
            if about.kind.quantity is not None:
                given = about.arguments(args, kwargs)
                attempt.quantity = about.kind.quantity(given, result)
            recorder.end_attempt(attempt, *_ending(call, about, result))
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
        if self._recorder.contents is not None:
            self._recorder.contents.asked_unsent(attempt, about, about.arguments(args, kwargs))
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
                self._attempt_failed(attempt, about, args, kwargs, exception)
                raise
            finally:
                self._left(attempt, token, kwargs)

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
                self._attempt_failed(attempt, about, args, kwargs, exception)
                raise
            finally:
                self._left(attempt, token, kwargs)

        return attempt_function

    @guarded
    def _start(
        self, about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Attempt | None:
        entry = _entry.get()
        if entry is None or entry.done or entry.spreads:
            return None
        if entry.attempt is not None:
            if not entry.attempt.outcome:
                # The inner half of the attempt that is under way, which LiteLLM may account for.
                inner_id = getattr(kwargs.get("litellm_logging_obj"), "litellm_call_id", None)
                if inner_id not in (None, entry.call_id):
                    self._recorder.expect_details(entry.attempt, inner_id)
                return None
            self._recorder.settle_attempt(entry.attempt)
        attempt = self._read_attempt(entry.call, about, args, kwargs)
        if self._recorder.contents is not None:
            self._recorder.contents.asked(attempt, about, about.arguments(args, kwargs))
        entry.call_id = attempt.call_id
        entry.logging_obj = kwargs.get("litellm_logging_obj")
        entry.attempt = attempt
        self._recorder.start_attempt(attempt)
        if about.kind.session:
            self._recorder.expect_details(attempt)
        return attempt

    @guarded
    def _left(self, attempt: Attempt, token: object, kwargs: dict[str, Any]) -> None:
        try:
            if attempt.content is not None and self._recorder.contents is not None:
                self._recorder.contents.ended(attempt, kwargs)
        finally:
            self._recorder.emitter.leave(token)

    def _read_attempt(
        self, call: Call, about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Attempt:
        given = about.arguments(args, kwargs)
        kind = about.kind
        base = given.get("api_base") or given.get("base_url")
        provider = provider_of(about, given) or about.default_provider
        model, provider = model_and_provider(
            model_of(given),
            provider if isinstance(provider, str) else None,
            base if isinstance(base, str) else None,
        )
        address, port = server_of(given)
        stream = is_streamed(about, given)
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
            api_base=shown_base(base) if isinstance(base, str) else None,
            deployment_id=deployment_id_of(given),
            call_id=call_id or given.get("litellm_call_id"),
            identity=call.identity if call.identity.key_hash else identity_in(given),
            parameters=parameters_of(kind, given),
            unit=kind.unit,
            counted=kind.billed,
            stream=stream,
            asked=given.get(kind.content[0]) if stream and kind.content else None,
        )

    @guarded
    def _attempt_failed(
        self,
        attempt: Attempt,
        about: EntryPoint,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        exception: BaseException,
    ) -> None:
        if is_cancellation(exception):
            self._recorder.end_attempt(attempt, Outcome.CANCELLED)
        else:
            # Settled when the entry point returns or tries again: until then LiteLLM's failure
            # handlers run, and with them the cooldown the failure causes.
            failure = self._failure(about, args, kwargs, exception)
            self._recorder.end_attempt(attempt, Outcome.ERROR, failure)

    @staticmethod
    def _failure(
        about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any], exception: BaseException
    ) -> Failure:
        given = about.arguments(args, kwargs)
        return failure_of(exception, contents_of(given, about.kind.content), secrets_of(given))


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


def _ending(call: Call, about: EntryPoint, result: Any) -> tuple[str, Failure | None]:
    """How a call ended that has returned. A session returns also when it has failed."""
    if isinstance(result, Exception):
        return Outcome.ERROR, failure_of(result)
    if tool_failed(result):
        return Outcome.ERROR, Failure(type="tool_error")
    if about.operation == "rag_ingest" and ingestion_failed(result):
        return Outcome.ERROR, Failure(type="ingestion_failed")
    session = call.request
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
