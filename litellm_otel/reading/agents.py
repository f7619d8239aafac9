"""A2A agents: LiteLLM has names for them where it has models, and the agents' own in their cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litellm_otel.reading.shapes import field_of, text_of

_PREFIX: Final = "a2a_agent/"


def agent_of(logging_obj: object) -> str:
    """The agent that was called, by its card's name, as LiteLLM's logging has it; "" where it has none."""
    model = text_of(field_of(logging_obj, "model")) or ""
    name = model.removeprefix(_PREFIX)
    return "" if name in (model, "unknown") else name


def agent_model_in(metadata: Mapping[str, Any]) -> str:
    """An agent as a model, as the proxy has it in a call's metadata; "" where it is no agent's."""
    group = metadata.get("model_group")
    return group if isinstance(group, str) and group.startswith(_PREFIX) else ""
