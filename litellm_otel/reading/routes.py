"""Which of the proxy's routes are requests: what a client asks of a provider, and nothing else."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any, Final

METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_OWN_ANSWERS: Final = (
    "/models",
    "/cursor/models",
    "/utils",
    "/claude-code",
    "/vector_store/list",
    "/agents",
    "/lens",
    "/traces",
    "/logs",
    "/introspect",
    "/token",
    "/langfuse",
)
"""Among LiteLLM's LLM API routes, with what is below them: those that ask no provider for anything."""
_ASKED_TOO: Final = ("/evals", "/fine_tuning/jobs")
"""What LiteLLM does not count among them, and asks a provider for all the same."""
_OF_MANY_MESSAGES: Final = ("/mcp", "/toolset", "/sse")
"""Where a client says more than it asks: requests only as far as a tool is called."""


@lru_cache(maxsize=1024)
def is_llm_route(path: str) -> bool:
    """Whether LiteLLM asks a provider for it: as a rule, it counts the path among its LLM API routes."""
    checks = sys.modules.get("litellm.proxy.auth.route_checks")
    if checks is None:
        return False
    plain = path.removeprefix("/v1").removeprefix("/cursor/v1") or path
    if _is_below(plain, _OWN_ANSWERS) and ":" not in plain:
        return False
    return _is_below(plain, _ASKED_TOO) or bool(checks.RouteChecks.is_llm_api_route(route=path))


def asks_a_provider(method: str, path: str) -> bool:
    """Whether a client's HTTP request is one. ``method`` "WEBSOCKET": the opening of a session."""
    if method != "WEBSOCKET" and method not in METHODS:
        return False
    return is_llm_route(path) or says_more_than_it_asks(path) or _is_configured(path)


def says_more_than_it_asks(path: str) -> bool:
    """Whether what comes this way is a request only if something is asked of a provider in it."""
    return _is_below(path.removesuffix("/"), _OF_MANY_MESSAGES) or path.endswith("/mcp")


def served_model(name: object) -> str | None:
    """The name, if the Router has a model group of that name: clients can ask for anything."""
    router: Any = getattr(sys.modules.get("litellm.proxy.proxy_server"), "llm_router", None)
    if not isinstance(name, str) or router is None:
        return None
    aliases: Any = getattr(router, "model_group_alias", None) or ()
    return name if name in router.model_names or name in aliases else None


def _is_configured(path: str) -> bool:
    """Whether it is a pass-through endpoint of the operator's own."""
    endpoints: Any = sys.modules.get("litellm.proxy.pass_through_endpoints.pass_through_endpoints")
    if not getattr(endpoints, "_registered_pass_through_routes", None):
        return False
    helpers = endpoints.InitPassThroughEndpointHelpers
    return bool(helpers.is_registered_pass_through_route(route=path))


def _is_below(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)
