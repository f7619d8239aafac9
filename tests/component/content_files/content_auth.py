"""Who may ask, and of which team they are: LiteLLM's ``general_settings.custom_auth`` for the tests."""

from __future__ import annotations

import hashlib
from typing import Any

from litellm.proxy._types import UserAPIKeyAuth


async def user_api_key_auth(request: Any, api_key: str) -> UserAPIKeyAuth:
    hashed = hashlib.sha256(api_key.encode()).hexdigest()
    team = "quiet" if "quiet" in api_key else "loud"
    about = {"disable_global_guardrails": "free" in api_key}
    return UserAPIKeyAuth(
        api_key=hashed, token=hashed, team_id=team, user_role="proxy_admin", metadata=about
    )
