"""When LiteLLM says that content is not to be logged: then ours isn't recorded either."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, cast

from litellm_otel.model.content import Withheld
from litellm_otel.reading.shapes import field_of

_REDACTION = "litellm.litellm_core_utils.redact_messages"
_GUARDRAILS = "litellm.integrations.custom_guardrail"
_MASK_NOTHING = ("litellm.integrations.custom_logger", _GUARDRAILS, "litellm.proxy.hooks.")
"""Modules of LiteLLM whose logging hooks leave messages as they are."""
_HOOKS_IN_SESSIONS = ("pre_call", "during_call", "post_call", "realtime_input_transcription")


def withheld(arguments: Mapping[str, Any]) -> str:
    """Why nothing of this call may be recorded, one of `Withheld`; "" where nothing says so.

    To be asked before the call and after it: only then does LiteLLM's logging object know of keys',
    teams' and headers' settings, whatever the entry point.
    """
    litellm = sys.modules.get("litellm")
    if litellm is None:
        return ""
    params = _params(arguments)
    if params.get("no-log") is True and not getattr(litellm, "global_disable_no_log_param", False):
        return Withheld.NO_LOG
    if _redacted(litellm, arguments, params):
        return Withheld.REDACTION
    if any(_masks_logs(callback, arguments) for callback in _callbacks(litellm)):
        return Withheld.LOG_MASKING
    return ""


def guarded_at(arguments: Mapping[str, Any], hook: str) -> bool:
    """Whether a guardrail runs for this call at one of LiteLLM's hooks that are later than ours."""
    litellm = sys.modules.get("litellm")
    return litellm is not None and any(
        _masks(callback, hook, arguments) for callback in _callbacks(litellm)
    )


def guarded_before_sending() -> bool:
    """Whether any guardrail is there at all, which may mask messages right before they are sent."""
    litellm = sys.modules.get("litellm")
    return litellm is not None and any(_is_guardrail(each) for each in _callbacks(litellm))


def guarded_in_session(arguments: Mapping[str, Any]) -> bool:
    """Whether a guardrail may mask or block what is said in this session, which it does frame by frame."""
    litellm = sys.modules.get("litellm")
    return litellm is not None and any(
        _is_guardrail(callback)
        # Those that find personal data are used in sessions whether the call asks for them or not.
        and (hasattr(callback, "check_pii") or _runs_anywhere(callback, arguments))
        for callback in _callbacks(litellm)
    )


def _params(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """LiteLLM's own parameters of the call: what it was called with, and what it made of that."""
    names = ("metadata", "litellm_metadata", "no-log", "turn_off_message_logging")
    given = {name: arguments[name] for name in names if arguments.get(name) is not None}
    known = field_of(_details(arguments), "litellm_params")
    if isinstance(known, Mapping):
        told = cast("Mapping[str, Any]", known)
        given |= {name: value for name, value in told.items() if value is not None}
    return given


def _details(arguments: Mapping[str, Any]) -> Any:
    return getattr(arguments.get("litellm_logging_obj"), "model_call_details", None)


def _redacted(litellm: Any, arguments: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    decide = getattr(sys.modules.get(_REDACTION), "should_redact_message_logging", None)
    if decide is None:
        return bool(getattr(litellm, "turn_off_message_logging", False))
    # What keys, teams and requests say is in the logging object from its beginning.
    name = "standard_callback_dynamic_params"
    dynamic = getattr(arguments.get("litellm_logging_obj"), name, None)
    if not dynamic:
        dynamic = {"turn_off_message_logging": params.get("turn_off_message_logging")}
    if decide({"litellm_params": dict(params), name: dynamic}):
        return True
    # Of a session's headers LiteLLM itself knows nothing.
    headers = getattr(arguments.get("websocket"), "headers", None)
    if not headers:
        return False
    said = {"metadata": {"headers": dict(headers)}}
    return bool(decide({"litellm_params": said, name: dynamic}))


def _callbacks(litellm: Any) -> Iterator[Any]:
    seen: set[int] = set()
    for name in ("callbacks", "success_callback", "_async_success_callback"):
        for callback in getattr(litellm, name, None) or ():
            if id(callback) not in seen and not isinstance(callback, str):
                seen.add(id(callback))
                yield callback


def _is_guardrail(callback: Any) -> bool:
    base = getattr(sys.modules.get(_GUARDRAILS), "CustomGuardrail", None)
    return base is not None and isinstance(callback, base)


def _masks_logs(callback: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether it changes what LiteLLM is about to log."""
    for name in ("async_logging_hook", "logging_hook"):
        method = getattr(cast("Any", type(callback)), name, None)
        module = getattr(method, "__module__", None) or ""
        if method is not None and not module.startswith(_MASK_NOTHING):
            break
    else:
        return False
    return not _is_guardrail(callback) or _runs(callback, "logging_only", arguments)


def _masks(callback: Any, hook: str, arguments: Mapping[str, Any]) -> bool:
    if not _is_guardrail(callback) or getattr(callback, "event_hook", None) is None:
        return False
    # Presidio without it does the opposite: it puts back, for the client, what it had masked.
    if hook == "post_call" and getattr(callback, "apply_to_output", None) is False:
        return False
    return _runs(callback, hook, arguments)


def _runs_anywhere(callback: Any, arguments: Mapping[str, Any]) -> bool:
    return any(_runs(callback, hook, arguments) for hook in _HOOKS_IN_SESSIONS)


def _runs(callback: Any, hook: str, arguments: Mapping[str, Any]) -> bool:
    """Whether the guardrail runs for this call; yes, where it can't be told."""
    hooks = getattr(sys.modules.get("litellm.types.guardrails"), "GuardrailEventHooks", None)
    event = getattr(hooks, hook, None)
    if event is None:
        return True
    metadata = _params(arguments)
    try:
        return bool(callback.should_run_guardrail(data=dict(metadata), event_type=event))
    except Exception:
        return True
