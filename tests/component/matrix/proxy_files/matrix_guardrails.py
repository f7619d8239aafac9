"""Guardrails that are always on, and refuse what comes with the key that is named for them."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail


def _refuse(stage: str, who: Any) -> None:
    if who.key_alias == stage:
        raise HTTPException(status_code=400, detail={"error": f"refused {stage} the call"})


class Before(CustomGuardrail):
    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: Any
    ) -> Any:
        _refuse("before", user_api_key_dict)
        return data


class During(CustomGuardrail):
    async def async_moderation_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, call_type: Any
    ) -> Any:
        _refuse("during", user_api_key_dict)


class After(CustomGuardrail):
    async def async_post_call_success_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, response: Any
    ) -> Any:
        _refuse("after", user_api_key_dict)
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> Any:
        async for chunk in response:
            yield chunk
            _refuse("after", user_api_key_dict)
