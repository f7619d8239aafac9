"""The labels of what callers ask, by the names that LiteLLM's own Prometheus endpoint gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KEY: Final = ("hashed_api_key", "api_key_alias")
TEAM: Final = ("team", "team_alias")
ORGANIZATION: Final = ("org_id", "org_alias")
CLIENT: Final = ("client_ip", "user_agent")
FAILURE: Final = ("exception_status", "exception_class")

LABELS: Final[Mapping[str, str]] = {
    "end_user": "for whom the caller asks, as it says itself; only where LiteLLM's "
    "`enable_end_user_cost_tracking_prometheus_only` is on",
    "hashed_api_key": "hash of the virtual key",
    "api_key_alias": "alias of the virtual key",
    "team": "team's id",
    "team_alias": "team's alias",
    "user": "id of the user whose key it is",
    "user_email": "that user's e-mail address",
    "org_id": "organisation's id",
    "org_alias": "organisation's alias",
    "project_id": "project's id",
    "project_alias": "project's alias",
    "model": "model as the provider knows it",
    "litellm_model_name": "the same",
    "requested_model": "model group that the caller asked for",
    "model_group": "model group that answered, which a fallback changes",
    "model_id": "deployment's id",
    "api_base": "address that the deployment is configured with",
    "api_provider": "LiteLLM's name of the provider",
    "service_tier": "tier that the provider served, or that was asked for",
    "route": "path of the proxy, with its parameters' names in place of their values",
    "client_ip": "address that the request came from",
    "user_agent": "what the client calls itself",
    "stream": "`True` for a streamed answer",
    "status_code": "HTTP status that the client got",
    "exception_status": "HTTP status of the failure",
    "exception_class": "class of the failure, after the provider's name where LiteLLM gives one",
    "mcp_tool_name": "tool that was called",
    "mcp_server_name": "MCP server that has it",
}
"""Each label that a metric of callers can have, and what it says."""
