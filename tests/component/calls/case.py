"""What a case is: one call of a LiteLLM entry point, and what the provider stand-in's answer tells."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from stack.standins.provider import Provider

SECRET = "Tell me something nobody else may read."
"""What the user writes in every call that carries something."""
KEY = "sk-from-caller-0123456789"
WORDS = len(SECRET.split())
"""So many tokens is it, to the stand-in."""
MESSAGES = [{"role": "user", "content": SECRET}]
IN_A_MESSAGE = WORDS + 3
"""Its tokens as a list of one message, in JSON: three more for the keys and the role."""

Arguments = Mapping[str, Any]
Twin = Literal["sync", "async"]
BOTH: tuple[Twin, ...] = ("sync", "async")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One entry point, called in one way."""

    module: str
    """Where LiteLLM defines it, below ``litellm``."""
    function: str
    """Its name without the ``a`` of the asynchronous twin."""
    kind: str
    """The name of its row in the table of call kinds."""
    provider: str = "openai"
    """As LiteLLM names it."""
    model: str = ""
    """As the provider knows it."""
    arguments: Arguments = field(default_factory=dict[str, Any])
    """Besides the model and where to go; a function stands for what it makes of the stand-in, once a call."""
    version: str = "/v1"
    """What comes after the stand-in's address in the base address."""
    named_by: Literal["model", "custom_llm_provider", "search_provider", "provider", ""] = "model"
    """The argument that says which provider to ask."""
    twins: tuple[Twin, ...] = BOTH
    stream: bool = False
    """Whether it is answered with a stream."""
    asks_for_stream: bool = True
    """False where it streams without being asked to by an argument."""
    routed: tuple[Twin, ...] = ("async",)
    """Twins that a Router has and that reach the provider through it."""
    handed_on: tuple[Twin, ...] = ()
    """Of those, the ones for which the Router picks no deployment the way it does for others."""
    variant: str = ""
    """Tells cases of one function apart."""

    usage: Mapping[str, int] = field(default_factory=dict[str, int])
    """Tokens that are to be told, by the field of the record's usage."""
    quantity: float | None = None
    """What is to be told of the kind's unit."""
    estimated: bool = False
    """Whether the provider sends no usage, and tokens are counted from the text."""
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the answer tells besides, by attribute; a type where the value can't be known."""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Request attributes whose value is not simply the argument's."""
    costs: bool = False
    """Whether LiteLLM knows what it costs."""
    decorated: bool = True
    """False for a function that LiteLLM does not decorate, and that has no call id therefore."""
    delegates: bool = False
    """Whether its tokens and cost are those of the calls that it is made of."""
    within: tuple[str, ...] = ()
    """The spans below its own, of the calls that it is made of."""

    @property
    def id(self) -> str:
        package = self.module.removesuffix(".main")
        parts = (package, self.function, self.variant, "streamed" if self.stream else "")
        return "-".join(part for part in parts if part)

    def name(self, twin: Twin) -> str:
        """The function's name in one of its twins."""
        if self.function == "anthropic_messages":
            return self.function
        if self.function.startswith("_"):
            return f"_a{self.function[1:]}" if twin == "async" else self.function
        return f"a{self.function}" if twin == "async" else self.function

    def entry_point(self, twin: Twin) -> Callable[..., Any]:
        """The function where LiteLLM defines it."""
        module = importlib.import_module(f"litellm.{self.module}")
        return getattr(module, self.name(twin))

    def called(self, twin: Twin) -> Callable[..., Any]:
        """The function as users call it: some are exported behind one that chooses between two."""
        import litellm

        if self.module in ("main", "responses.main", "images.main", "rerank_api.main"):
            return getattr(litellm, self.name(twin))
        return self.entry_point(twin)

    def router_method(self, twin: Twin) -> str:
        """The Router's name of it."""
        own = _ROUTER_NAMES.get(self.module, {})
        name = own.get(self.function, own.get("", "{}").format(self.function))
        return f"a{name}" if twin == "async" else name

    def given(self, provider: Provider) -> dict[str, Any]:
        """The arguments that are the call's own."""
        made = {
            name: value(provider) if callable(value) else value
            for name, value in self.arguments.items()
        }
        if self.stream and self.asks_for_stream:
            made["stream"] = True
        return made

    def pointed_at(self, provider: Provider) -> dict[str, Any]:
        """The arguments that make the call go to the stand-in."""
        where = {"api_base": provider.address() + self.version, "api_key": KEY}
        if self.named_by == "model":
            return {"model": f"{self.provider}/{self.model}", **where}
        if self.named_by:
            return {self.named_by: self.provider, **where}
        return where


_ROUTER_NAMES: Mapping[str, Mapping[str, str]] = {
    "vector_stores.main": {"": "vector_store_{}"},
    "vector_store_files.main": {
        "": "vector_store_file_{}",
        "retrieve_content": "vector_store_file_content",
    },
    "interactions.main": {"": "{}_interaction"},
}


def of_module(
    module: str, kind: str, functions: Mapping[str, tuple[Arguments, Arguments]], **common: Any
) -> Iterator[Case]:
    """Cases of one module: function → its arguments and what its answer tells."""
    for function, (arguments, told) in functions.items():
        yield Case(
            module=module, function=function, kind=kind, arguments=arguments, told=told, **common
        )


def answer(
    identifier: Any = None, *, model: Any = None, status: str | None = None, **more: Any
) -> dict[str, Any]:
    """What a whole answer tells: its id, its model, its status."""
    told = {
        "gen_ai.response.id": identifier,
        "gen_ai.response.model": model,
        "gen_ai.response.status": status,
        **more,
    }
    return {name: value for name, value in told.items() if value is not None}


def finished(*reasons: str) -> dict[str, Any]:
    """Why an answer ended."""
    return {"gen_ai.response.finish_reasons": reasons}


BY_PROVIDER: dict[str, Any] = {"named_by": "custom_llm_provider"}
GOOGLE: dict[str, Any] = {"provider": "gemini", "version": ""}
