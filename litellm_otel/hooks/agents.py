"""A2A agents that answer in a stream: LiteLLM learns their names when that is first read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm_otel.boundary import guarded
from litellm_otel.hooks.entry import current
from litellm_otel.reading.agents import agent_of

if TYPE_CHECKING:
    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped


def streaming_iterator(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> None:
    """For the making of LiteLLM's iterator over what an agent sends, just before the agent is asked."""
    wrapped(*args, **kwargs)
    _note_agent(instance)


@guarded
def _note_agent(iterator: Any) -> None:
    entry = current.get()
    attempt = entry.attempt if entry is not None and not entry.done else None
    if attempt is not None and attempt.operation == "invoke_agent" and not attempt.target:
        attempt.target = agent_of(iterator.logging_obj)
