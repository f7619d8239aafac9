"""The Router: one logical call with its retries and fallbacks, and the cooldowns it causes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.model import Call, Cooldown, Outcome
from litellm_otel.reading.arguments import identity_in
from litellm_otel.reading.entry_point import named
from litellm_otel.reading.failures import failure_of, is_cancellation, outcome_of, status_code_of
from litellm_otel.reading.providers import group_asked_for, shown_model

if TYPE_CHECKING:
    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.recorder import Recorder


class RouterCalls:
    """Watches ``Router.async_function_with_fallbacks``: entered once for the call, again for each fallback."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def async_function_with_fallbacks(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        hop = self._fall_back(kwargs)
        if hop is not None:
            try:
                return await wrapped(*args, **kwargs)
            finally:
                self._leave_hop(hop)
        call = self._start(instance, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        scope = self._recorder.emitter.enter(call)
        token = self._recorder.enter_call(call)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as exception:
            self._failed(call, exception)
            raise
        else:
            self._returned(call)
            return result
        finally:
            self._recorder.leave_call(token)
            self._recorder.emitter.leave(scope)
            self._close(call)

    def generic_api_call(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        """``Router._generic_api_call_with_fallbacks``: one deployment is picked, and there are no fallbacks."""
        call = self._start(instance, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        scope = self._recorder.emitter.enter(call)
        token = self._recorder.enter_call(call)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as exception:
            self._failed(call, exception)
            raise
        else:
            self._returned(call)
            return result
        finally:
            self._recorder.leave_call(token)
            self._recorder.emitter.leave(scope)
            self._close(call)

    @guarded
    def _fall_back(self, kwargs: dict[str, Any]) -> list[Any] | None:
        """If this is a fallback of a call under way: note it, and enter that call's context."""
        if "fallback_depth" not in kwargs:
            return None
        recorder = self._recorder
        current = recorder.current_call()
        call = current or recorder.open_call(kwargs.get("litellm_trace_id"))
        if call is None:
            return None
        recorder.fall_back(call, shown_model(str(kwargs.get("model") or "")))
        if current is not None:
            return []
        # A stream that failed falls back where it is consumed, outside the call's context.
        recorder.late_fallback_begins(call)
        return [recorder.enter_call(call), recorder.emitter.enter(call), call]

    @guarded
    def _leave_hop(self, hop: list[Any]) -> None:
        if hop:
            token, scope, call = hop
            self._recorder.emitter.leave(scope)
            self._recorder.leave_call(token)
            self._recorder.late_fallback_ended(call)

    @guarded
    def _start(self, router: Any, kwargs: dict[str, Any]) -> Call | None:
        model = kwargs.get("model")
        if not self._recorder.active or not isinstance(model, str):
            return None
        function = kwargs.get("original_generic_function") or kwargs.get("original_function")
        strategy = getattr(router, "routing_strategy", None)
        return self._recorder.start_call(
            model=shown_model(group_asked_for(router, model)),
            routed=True,
            operation=named(getattr(function, "__name__", "")).operation,
            strategy=str(getattr(strategy, "value", strategy)) if strategy is not None else None,
            trace_id=kwargs.get("litellm_trace_id"),
            identity=identity_in(kwargs),
        )

    @guarded
    def _failed(self, call: Call, exception: BaseException) -> None:
        if is_cancellation(exception):
            gone = call.request.disconnected
            self._recorder.end_call(
                call, Outcome.CLIENT_DISCONNECTED if gone else Outcome.CANCELLED
            )
            return
        failure = failure_of(exception)
        last = call.last_failure
        if last is not None and last.type == failure.type:
            failure = last  # the attempt's own account has the content taken out
        self._recorder.end_call(call, outcome_of(failure), failure)

    @guarded
    def _close(self, call: Call) -> None:
        """Nothing is left to do, unless reading how it ended has failed, which has been said then."""
        with suppress(Exception):
            if not call.returned and not call.end_ns:
                self._recorder.end_call(call, Outcome.ERROR)

    async def async_function_with_retries(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        """One model group, with its retries."""
        try:
            return await wrapped(*args, **kwargs)
        except Exception as exception:
            self._group_failed(exception)
            raise

    @guarded
    def _group_failed(self, exception: Exception) -> None:
        call = self._recorder.current_call()
        if call is None:
            return
        last = call.last_failure
        if last is None or last.type != type(exception).__name__:
            # Not an attempt's: there was none, or LiteLLM made another exception of it.
            call.last_failure = failure_of(exception)

    @guarded
    def _returned(self, call: Call) -> None:
        self._recorder.call_returned(call)

    def add_deployment_to_cooldown(
        self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        result = wrapped(*args, **kwargs)
        self._cooled_down(args, kwargs)
        return result

    @guarded
    def _cooled_down(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        names = ("model_id", "original_exception", "exception_status", "cooldown_time")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        exception, status = given.get("original_exception"), given.get("exception_status")
        seconds = given.get("cooldown_time")
        self._recorder.cooled_down(
            Cooldown(
                deployment_id=str(given.get("model_id")),
                seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
                failure_type=type(exception).__name__,
                status_code=status
                if isinstance(status, int)
                else status_code_of(exception)
                if isinstance(exception, BaseException)
                else None,
            )
        )
