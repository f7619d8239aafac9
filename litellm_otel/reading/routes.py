"""Which of the proxy's routes are requests to a model."""

from __future__ import annotations

import sys
from functools import lru_cache


@lru_cache(maxsize=1024)
def is_llm_route(path: str) -> bool:
    """Whether LiteLLM itself counts the path among its LLM API routes."""
    checks = sys.modules.get("litellm.proxy.auth.route_checks")
    if checks is None:
        return False
    return bool(checks.RouteChecks.is_llm_api_route(route=path))
