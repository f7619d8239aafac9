"""Side by side with others who trace or count the same calls: nothing twice, nothing lost, one line for each.

Whoever would send a call to where litellm-otel sends it gives way, unless told to stay. Whoever sends it
somewhere else goes on, and sees nothing of ours. What happens with whom: ``docs/coexistence.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from litellm_otel.coexistence import (
    destinations,
    foreign_tracers,
    litellm_callbacks,
    litellm_otel_v2,
)

if TYPE_CHECKING:
    from litellm_otel.hooks.seams import Seam


def seams() -> tuple[Seam, ...]:
    """Where LiteLLM's own callbacks, and other packages' instrumentations of it, are watched."""
    destinations.remember()
    return (*litellm_callbacks.seams(), *litellm_otel_v2.seams(), *foreign_tracers.seams())
