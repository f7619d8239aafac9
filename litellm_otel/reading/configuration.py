"""LiteLLM's settings, which are attributes of its module, → what of them metrics go by."""

from __future__ import annotations

import sys
from typing import Any

from litellm_otel.selection import LITELLM_SETTINGS


def metric_settings() -> dict[str, Any]:
    """Those of `LITELLM_SETTINGS` that are set."""
    litellm = sys.modules.get("litellm")
    found = {name: getattr(litellm, name, None) for name in LITELLM_SETTINGS}
    return {name: value for name, value in found.items() if value is not None}
