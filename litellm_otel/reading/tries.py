"""Whether LiteLLM's SDK may ask more than once for one call: again, or of other models."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

_KINDS: Final = frozenset({"chat", "responses"})


def tries_others(kind: str, arguments: Mapping[str, Any]) -> bool:
    """Whether the call is made of calls of its own, to one model after another or to several at once."""
    if kind != "chat":
        return False
    if arguments.get("fallbacks") is not None or arguments.get("model_list") is not None:
        return True
    return getattr(sys.modules.get("litellm"), "model_fallbacks", None) is not None


def tries_again(kind: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a call that fails is made again."""
    if kind not in _KINDS:
        return False
    for name in ("num_retries", "retry_policy", "context_window_fallback_dict"):
        if arguments.get(name):
            return True
    return bool(getattr(sys.modules.get("litellm"), "num_retries", None))


def in_tool_loop(arguments: Mapping[str, Any]) -> bool:
    """Whether LiteLLM itself asks the model, in a call whose MCP tools it offers and calls for it."""
    return arguments.get("_skip_mcp_handler") is True
