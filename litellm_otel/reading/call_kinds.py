"""The table of LiteLLM's entry points: which GenAI operation each one is."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class CallKind:
    """One kind of call."""

    operation: str
    """``gen_ai.operation.name``: the conventions' value where there is one, else a name of its own kind."""
    entry_points: tuple[str, ...]
    """LiteLLM's functions, without the ``a`` of their asynchronous twins."""
    content_arguments: tuple[str, ...] = ()
    """Arguments that carry what the user wrote."""


CALL_KINDS: tuple[CallKind, ...] = (
    CallKind("chat", ("completion",), ("messages",)),
    CallKind("text_completion", ("text_completion",), ("prompt",)),
    CallKind("embeddings", ("embedding",), ("input",)),
)

_KIND_OF_ENTRY_POINT = {name: kind for kind in CALL_KINDS for name in kind.entry_points}


@lru_cache(maxsize=512)
def call_kind(call_type: str) -> CallKind:
    """The kind of an entry point, given its name in either twin; a generic one for a name not in the table."""
    name = call_type.lstrip("_")
    kind = _KIND_OF_ENTRY_POINT.get(name)
    if kind is None and name.startswith("a"):
        kind = _KIND_OF_ENTRY_POINT.get(name[1:])
    if kind is not None:
        return kind
    return CallKind(name, (name,), ("messages", "prompt", "input", "query", "contents"))


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One of LiteLLM's functions, in one of its twins."""

    name: str
    kind: CallKind
    model_position: int | None
    """Where ``model`` stands among its positional parameters, if it does."""


def entry_point_of(function: Callable[..., Any]) -> EntryPoint:
    """What is known of an entry point from its name and signature."""
    name = getattr(function, "__name__", "")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    position = next(
        (
            index
            for index, parameter in enumerate(parameters)
            if parameter.name == "model" and parameter.kind is not parameter.KEYWORD_ONLY
        ),
        None,
    )
    return EntryPoint(name, call_kind(name), position)
