"""Guardrails, and hooks that break, as a user writes them: LiteLLM finds them beside ``config.yaml``."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.integrations.custom_logger import CustomLogger


def _refuse(stage: str) -> None:
    raise HTTPException(status_code=400, detail={"error": f"refused {stage}"})


class Before(CustomGuardrail):
    async def async_pre_call_hook(self, *_: Any, **__: Any) -> Any:
        _refuse("before the call")


class During(CustomGuardrail):
    async def async_moderation_hook(self, *_: Any, **__: Any) -> Any:
        _refuse("during the call")


class After(CustomGuardrail):
    async def async_post_call_success_hook(self, *_: Any, **__: Any) -> Any:
        _refuse("after the call")

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> Any:
        async for chunk in response:
            yield chunk
            _refuse("in mid-stream")


class BreaksOnSuccess(CustomLogger):
    """A user's callback with a bug in each of its methods."""

    async def async_log_success_event(self, *_: Any, **__: Any) -> None:
        raise RuntimeError("the user's success callback broke")

    async def async_log_failure_event(self, *_: Any, **__: Any) -> None:
        raise RuntimeError("the user's failure callback broke")

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> Any:
        if data.get("user") == "breaks-the-hook":
            raise RuntimeError("the user's hook broke on sk-planted-0123456789abcdef")
        return data


breaks = BreaksOnSuccess()
