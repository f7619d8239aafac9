"""What a route is: one of the proxy's that lead to a provider, and a request that goes well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

PROMPT = "Nobody else is to read this."
MESSAGES = [{"role": "user", "content": PROMPT}]
CONTENTS = [{"role": "user", "parts": [{"text": PROMPT}]}]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route, and a request that it answers."""

    id: str
    kind: str
    """The name of its row in the table of call kinds."""
    path: str
    method: str = "POST"
    server: str = ""
    """The route as the web framework has it, where it is not the path."""
    attempt: str
    """The name of the attempt's span."""
    provider: str = "openai"
    """As LiteLLM names it."""
    group: str = ""
    """The model group it asks for; ``{group}`` in the path stands for it too."""
    called: str = ""
    """The group that the Router is called with, where LiteLLM knows it by an id."""
    label: str | None = None
    """The model it is counted with, where that is not the group."""
    claimed: bool = False
    """Whether the label is what the client says, and counts once the provider has accepted it."""
    native: bool = False
    """Whether LiteLLM asks without an HTTP client of Python's, and so without telling its trace."""
    routed: bool = True
    """Whether a group is asked through the Router's own call, with retries and fallbacks."""
    body: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = None
    files: Mapping[str, tuple[str, bytes, str]] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cached: bool = False
    """Whether LiteLLM keeps its answer, where it is asked to."""
    licensed: bool = False
    """Whether LiteLLM refuses it without a licence."""
    admin: bool = False
    """Whether LiteLLM lets only the proxy's administrator ask."""
    stream: bool = False
    asks_for_stream: bool = True

    @property
    def names_group(self) -> bool:
        """Whether it does so elsewhere than in its body."""
        return "{group}" in self.path or "{group}" in self.query.values()

    @property
    def name(self) -> str:
        return f"{self.method} {self.server or self.path.partition('?')[0]}"


def streamed(route: Route, **changes: Any) -> Route:
    return replace(route, id=f"{route.id}, streamed", stream=True, **changes)


def both(route: Route, **changes: Any) -> tuple[Route, Route]:
    return route, streamed(route, **changes)
