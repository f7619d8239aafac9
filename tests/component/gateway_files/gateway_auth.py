"""Who may ask the gateway what: LiteLLM's ``general_settings.custom_auth`` for the tests."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import HTTPException
from litellm.proxy._types import UserAPIKeyAuth

LIMITS: dict[str, dict[str, Any]] = {
    "sk-ada-0123456789abcdef": {},
    "sk-spent-0123456789abcdef": {
        "model_max_budget": {"whole": {"budget_limit": 1e-7, "time_period": "1d"}}
    },
    "sk-twice-0123456789abcdef": {"rpm_limit": 2},
    "sk-twice-again-0123456789": {"rpm_limit": 2},
    "sk-alone-0123456789abcdef": {"max_parallel_requests": 1},
    "sk-small-0123456789abcdef": {"models": ["whole"]},
}


async def user_api_key_auth(request: Any, api_key: str) -> UserAPIKeyAuth:
    if api_key == "sk-crash-0123456789abcdef":
        raise ValueError("the user's own code broke on sk-crash-0123456789abcdef")
    if api_key not in LIMITS:
        raise HTTPException(status_code=401, detail="no such key")
    hashed = hashlib.sha256(api_key.encode()).hexdigest()
    return UserAPIKeyAuth(
        api_key=hashed,
        token=hashed,
        key_alias=api_key.split("-")[1],
        team_id="team-7",
        team_alias="analysts",
        user_id="user-ada",
        org_id="org-1",
        organization_alias="acme",
        **LIMITS[api_key],
    )
