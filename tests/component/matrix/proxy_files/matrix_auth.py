"""Who may ask: LiteLLM's ``general_settings.custom_auth``. A key's second word says what becomes of it."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import HTTPException
from litellm.exceptions import BudgetExceededError
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

LIMITS: dict[str, dict[str, Any]] = {
    "ada": {},
    "once": {"rpm_limit": 1},
    "twice": {"rpm_limit": 2},
    "before": {},
    "during": {},
    "after": {},
}


async def user_api_key_auth(request: Any, api_key: str) -> UserAPIKeyAuth:
    alias = api_key.split("-")[1]
    if alias == "spent":
        raise BudgetExceededError(current_cost=2.0, max_budget=1.0)
    if alias not in LIMITS:
        raise HTTPException(status_code=401, detail="no such key")
    hashed = hashlib.sha256(api_key.encode()).hexdigest()
    return UserAPIKeyAuth(
        api_key=hashed,
        token=hashed,
        key_alias=alias,
        user_id="user-ada",
        user_role=LitellmUserRoles.PROXY_ADMIN if "-root-" in api_key else None,
        metadata={"allowed_passthrough_routes": ["/weather"]},
        **LIMITS[alias],
    )
