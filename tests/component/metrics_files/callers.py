"""Who may ask the gateway: keys with budgets, limits, teams and all else that metrics tell of callers."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

from fastapi import HTTPException
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.proxy.carried_budget_state import (
    OrgBudgetSnapshot,
    TeamBudgetSnapshot,
    UserBudgetSnapshot,
)

NOW = datetime.now(timezone.utc)
CALLERS: dict[str, dict[str, Any]] = {
    "sk-ada-0123456789abcdef": {
        "user_id": "ada",
        "user_email": "ada@example.com",
        "team_id": "team-7",
        "team_alias": "analysts",
        "org_id": "org-1",
        "organization_alias": "acme",
        "max_budget": 10.0,
        "spend": 2.5,
        "budget_reset_at": NOW + timedelta(hours=5),
        # As LiteLLM pins them there itself where it has a database.
        "team_budget_snapshot": TeamBudgetSnapshot(
            budget_reset_at=NOW + timedelta(hours=6), max_budget=100.0
        ),
        "user_budget_snapshot": UserBudgetSnapshot(
            budget_reset_at=NOW + timedelta(hours=7), max_budget=50.0, user_alias=None
        ),
        "org_budget_snapshot": OrgBudgetSnapshot(spend=300.0, max_budget=1000.0),
        "team_max_budget": 100.0,
        "team_spend": 40.0,
        "user_max_budget": 50.0,
        "user_spend": 5.0,
        "rpm_limit": 1000,
        "tpm_limit": 1_000_000,
        "team_rpm_limit": 5000,
        "team_tpm_limit": 5_000_000,
        "rpm_limit_per_model": {"fast": 700},
        "metadata": {
            "department": "research",
            "model_rpm_limit": {"fast": 700},
            "model_tpm_limit": {"fast": 700_000},
        },
        "project_id": "project-3",
        "project_alias": "apollo",
    },
    "sk-bob-0123456789abcdef": {"user_id": "bob"},
    "sk-eve-0123456789abcdef": {"user_id": "eve"},
    "sk-gus-0123456789abcdef": {"user_id": "gus"},
    "sk-hal-0123456789abcdef": {"user_id": "hal", "rpm_limit": 2},
    "sk-ivy-0123456789abcdef": {"user_id": "ivy"},
    "sk-kim-0123456789abcdef": {"user_id": "kim"},
    "sk-rex-0123456789abcdef": {
        "user_id": "rex",
        "team_id": "team-9",
        "team_alias": "limited",
        "rpm_limit": 100,
        "tpm_limit": 10_000,
        "team_rpm_limit": 200,
        "team_tpm_limit": 20_000,
        "metadata": {"model_rpm_limit": {"fast": 300}, "model_tpm_limit": {"fast": 30_000}},
        "project_id": "project-5",
        "project_alias": "gemini",
        "project_metadata": {"model_rpm_limit": {"fast": 400}, "model_tpm_limit": {"fast": 40_000}},
    },
}


async def user_api_key_auth(request: Any, api_key: str) -> UserAPIKeyAuth:
    if api_key not in CALLERS:
        raise HTTPException(status_code=401, detail="no such key")
    hashed = hashlib.sha256(api_key.encode()).hexdigest()
    known = set(UserAPIKeyAuth.model_fields)
    given = {name: value for name, value in CALLERS[api_key].items() if name in known}
    return UserAPIKeyAuth(api_key=hashed, token=hashed, key_alias=api_key.split("-")[1], **given)
