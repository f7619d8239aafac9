"""The inner layer around an entry point: one attempt, around the function that LiteLLM's own wrapper calls.

The wrapper's own retries call that function again, and make another attempt of it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.hooks.entry import current
from litellm_otel.model import Attempt, Call, Failure, Outcome
from litellm_otel.reading.arguments import (
    contents_of,
    deployment_id_of,
    identity_in,
    is_streamed,
    model_of,
    parameters_of,
    provider_of,
    server_of,
    target_of,
)
from litellm_otel.reading.failures import failure_of, failure_told, is_cancellation
from litellm_otel.reading.providers import model_and_provider, shown_base
from litellm_otel.reading.secrets import secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from litellm_otel.reading.entry_point import EntryPoint
    from litellm_otel.recorder import Recorder


class Attempts:
    """Wraps what LiteLLM's wrapper calls, so that each time it is called is recorded."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def wrap_async(self, original: Callable[..., Any], about: EntryPoint) -> Callable[..., Any]:
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

    def wrap_sync(self, original: Callable[..., Any], about: EntryPoint) -> Callable[..., Any]:
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
        entry = current.get()
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
        attempt = self.read(entry.call, about, args, kwargs)
        if self._recorder.contents is not None:
            self._recorder.contents.asked(attempt, about, about.arguments(args, kwargs))
        attempt.accounted = not entry.in_tool_loop
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

    def read(
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
            unquotable=functools.partial(_unquotable, about, _plain(given)),
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
            failure = failure_in(about, args, kwargs, exception)
            self._recorder.end_attempt(attempt, Outcome.ERROR, failure)


def failure_in(
    about: EntryPoint, args: tuple[Any, ...], kwargs: dict[str, Any], exception: BaseException
) -> Failure:
    """What went wrong in a call, without what it was given."""
    return failure_of(exception, *_unquotable(about, about.arguments(args, kwargs)))


def failure_within(attempt: Attempt, exception: BaseException) -> Failure:
    """What an attempt under way failed with, without what it was given."""
    return failure_of(exception, *_given(attempt))


def failure_in_answer(attempt: Attempt) -> Failure | None:
    """What the answer says the provider failed with, where it is one that was made for this attempt."""
    if attempt.response.error is None or not attempt.counted:
        return None
    return failure_told(attempt.response.error, *_given(attempt))


def _given(attempt: Attempt) -> tuple[Sequence[str], Sequence[str]]:
    """The contents and secrets that no failure of the attempt may quote."""
    return attempt.unquotable() if attempt.unquotable else ((), secrets_of({}))


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Without objects of LiteLLM's: they lead to the stream, which who holds on to it can't see dropped."""
    kinds = (str, dict, list, tuple)
    return {name: value for name, value in given.items() if isinstance(value, kinds)}


def _unquotable(about: EntryPoint, given: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    return contents_of(given, about.kind.content), secrets_of(given)
