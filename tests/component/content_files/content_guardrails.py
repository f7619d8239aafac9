"""Guardrails that mask, as Presidio does: what is asked before the call, what is answered after it."""

from __future__ import annotations

import json
from typing import Any

from litellm.integrations.custom_guardrail import CustomGuardrail

WORD = "Ann-Example"


class MasksQuestions(CustomGuardrail):
    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        masked = json.dumps(data.get("messages", [])).replace(WORD, "<PERSON>")
        return {**data, "messages": json.loads(masked)}


class MasksAnswers(CustomGuardrail):
    async def async_post_call_success_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, response: Any
    ) -> Any:
        for choice in response.choices:
            choice.message.content = "<MASKED>"
        return response
