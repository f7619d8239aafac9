"""Which kind of call one of LiteLLM's functions is: from its name, its module and its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from litellm_otel.reading.call_kinds import CALL_KINDS, CallKind

_INFERENCE = frozenset({"chat", "text_completion", "generate_content"})
_WITHOUT_OUTPUT = frozenset({"embeddings", "rerank", "moderation", "retrieval", "search"})
_CONTENT_OF_ANY = ("messages", "prompt", "input", "query", "contents")
_OPERATIONS = {
    name: (kind, operation) for kind in CALL_KINDS for name, operation in kind.operations.items()
}


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One of LiteLLM's functions, in one of its twins."""

    name: str
    """As LiteLLM names it, with its package where the name alone says too little."""
    kind: CallKind
    operation: str
    positional: tuple[str, ...] = ()
    """Its parameters that can be given by position, in their order."""
    default_provider: str | None = None
    """The provider it turns to when none is named."""
    known: bool = field(default=True, compare=False)
    """False where it is not in the table."""
    decorated: bool = field(default=True, compare=False)
    """False where it does not carry LiteLLM's decorator."""

    @property
    def is_inference(self) -> bool:
        """Whether it has a model make something of a prompt."""
        return self.operation in _INFERENCE

    @property
    def makes_tokens(self) -> bool:
        """Whether there can be tokens in its answer."""
        return self.operation not in _WITHOUT_OUTPUT

    @property
    def plain_name(self) -> str:
        """The same for both twins."""
        return self.name.removeprefix("a")

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """What it is called with, by name."""
        return {**dict(zip(self.positional, args, strict=False)), **kwargs} if args else kwargs


@lru_cache(maxsize=512)
def named(name: str, package: str = "") -> EntryPoint:
    """The entry point of this name, in either twin; a generic one for a name not in the table."""
    plain = name.lstrip("_")
    for candidate in (plain, plain.removeprefix("a").lstrip("_")):
        for key, shown in ((f"{package}:{candidate}", f"{package}.{plain}"), (candidate, plain)):
            if key in _OPERATIONS:
                kind, operation = _OPERATIONS[key]
                return EntryPoint(shown, kind, operation, default_provider=kind.served_by or None)
    kind = CallKind(plain, {plain: plain}, content=_CONTENT_OF_ANY)
    return EntryPoint(plain, kind, plain or "unknown", known=False)


def entry_point_of(function: Callable[..., Any]) -> EntryPoint:
    """What is known of an entry point from its name, module and signature."""
    module = str(getattr(function, "__module__", ""))
    package = module.removeprefix("litellm.").removesuffix(".main")
    about = named(_name_of(function), package)
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return about
    positional = tuple(
        parameter.name
        for parameter in parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    )
    provider = getattr(parameters.get(about.kind.provider), "default", None)
    return replace(
        about,
        positional=positional,
        default_provider=provider if isinstance(provider, str) else about.default_provider,
    )


def _name_of(function: Callable[..., Any]) -> str:
    """Its name; of those that LiteLLM makes in a loop, all named alike, what the loop calls them."""
    name = str(getattr(function, "__name__", ""))
    if not name.endswith("endpoint_func"):
        return name
    asynchronous = name.startswith("async_")
    for variable in inspect.getclosurevars(inspect.unwrap(function)).nonlocals.items():
        if variable[0] == "endpoint_name":
            return f"{'a' if asynchronous else ''}{variable[1]}"
        if variable[0] == "sync_func":
            return f"a{_name_of(inspect.unwrap(variable[1]))}"
    return name
