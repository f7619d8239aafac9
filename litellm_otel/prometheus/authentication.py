"""Whether LiteLLM's own authentication lets a request at ``/metrics`` pass.

Its middleware asks the right function, ``user_api_key_auth``, which in LiteLLM 1.80 takes that path for
public whatever ``require_auth_for_metrics_endpoint`` says. There it is asked again, about another path.
"""

from __future__ import annotations

import sys
from typing import Any, Final

MIDDLEWARE: Final = "PrometheusAuthMiddleware"
"""LiteLLM's own, for whatever is at that path."""
_AUTHENTICATION: Final = "litellm.proxy.auth.user_api_key_auth"
_HEEDS_THE_SETTING: Final = "_route_requires_auth_despite_public"
_WITH_ANY_KEY: Final = "/v1/models"
"""A path that is nobody's without a key, and everybody's with one."""


def is_there(app: Any) -> bool:
    """Whether the proxy's app has LiteLLM's authentication for that path."""
    return any(middleware.cls.__name__ == MIDDLEWARE for middleware in app.user_middleware)


async def refusal(request: Any) -> str | None:
    """Why the request may not pass; None where it may, as far as LiteLLM has not asked itself."""
    module: Any = sys.modules.get(_AUTHENTICATION)
    required = getattr(sys.modules.get("litellm"), "require_auth_for_metrics_endpoint", None)
    if required is not True or module is None or hasattr(module, _HEEDS_THE_SETTING):
        return None
    from starlette.requests import Request

    scope = {**request.scope, "path": _WITH_ANY_KEY, "raw_path": _WITH_ANY_KEY.encode()}
    key = request.headers.get("authorization") or ""
    try:
        await module.user_api_key_auth(request=Request(scope, request.receive), api_key=key)
    except Exception as error:
        return str(getattr(error, "message", error))
    return None
