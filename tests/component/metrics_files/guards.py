"""Guardrails of each kind and each end."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail, log_guardrail_information
from litellm.integrations.custom_logger import CustomLogger


class Watches(CustomGuardrail):
    @log_guardrail_information
    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> Any:
        await asyncio.sleep(0.01)
        return data


class Refuses(CustomGuardrail):
    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> Any:
        raise HTTPException(status_code=400, detail={"error": "refused"})


class Breaks(CustomGuardrail):
    async def async_moderation_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, call_type: str
    ) -> Any:
        raise RuntimeError("the guardrail broke")


class FailsToLog(CustomLogger):
    async def async_log_success_event(self, *_: Any, **__: Any) -> None:
        self.handle_callback_failure("fails-to-log")


fails_to_log = FailsToLog()
