"""Which provider and server a model is called at."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from litellm_otel.http_urls import presentable
from litellm_otel.redaction import redact

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@lru_cache(maxsize=4096)
def model_and_provider(model: str, provider: str | None, api_base: str | None) -> tuple[str, str]:
    """The model as the provider knows it, and LiteLLM's name of the provider ("" if it knows none)."""
    if not model:
        return "", provider or ""
    litellm = sys.modules.get("litellm")
    try:
        resolved = litellm.get_llm_provider(  # pyright: ignore[reportOptionalMemberAccess]
            model=model, custom_llm_provider=provider, api_base=api_base
        )
        return shown_model(str(resolved[0])), str(resolved[1])
    except Exception:
        # LiteLLM raises for models it can't place; the call itself will say so.
        return shown_model(model), provider or ""


def group_asked_for(router: Any, model: str) -> str:
    """The model group that a Router is asked for: a stored response's is known by its deployment's id."""
    find = getattr(router, "get_deployment", None)
    if find is None or model in router.model_names:
        return model
    group = getattr(find(model_id=model), "model_name", None)
    return group if isinstance(group, str) else model


@lru_cache(maxsize=4096)
def shown_model(model: str) -> str:
    """The model's name as it may be shown: some are an address, and an address can carry a key."""
    before, scheme, _ = model.partition("://")
    if not scheme:
        return redact(model)
    start = before.rfind("/") + 1
    return model[:start] + presentable(model[start:])


@lru_cache(maxsize=1024)
def server(api_base: str) -> tuple[str | None, int | None]:
    """Host and port of a base URL; nothing else of it, as paths and queries can carry keys."""
    try:
        parts = urlsplit(api_base if "://" in api_base else f"//{api_base}")
        return parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None, None


@lru_cache(maxsize=1024)
def shown_base(api_base: str) -> str | None:
    """A base URL as a label: without query, name and password, and without what looks like a key."""
    try:
        parts = urlsplit(api_base)
        host = parts.hostname
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    return redact(f"{parts.scheme}://{host}{port}{parts.path}") if host else None
