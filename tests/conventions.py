"""The names and types of the released semantic conventions, and what of ours differs, with the reason.

Names: `opentelemetry.semconv` and `opentelemetry.util.genai`, as installed. The packages carry no types;
those of the names in use are here, as the conventions' registry states them.
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from litellm_otel.emit import names
from tools.docs import own_attributes

STRING, INT, DOUBLE, BOOLEAN, STRINGS = "string", "int", "double", "boolean", "string[]"

TYPES: dict[str, str] = {
    "error.type": STRING,
    "exception.message": STRING,
    "gen_ai.agent.name": STRING,
    "gen_ai.conversation.id": STRING,
    "gen_ai.data_source.id": STRING,
    "gen_ai.embeddings.dimension.count": INT,
    "gen_ai.operation.name": STRING,
    "gen_ai.output.type": STRING,
    "gen_ai.provider.name": STRING,
    "gen_ai.request.choice.count": INT,
    "gen_ai.request.encoding_formats": STRINGS,
    "gen_ai.request.frequency_penalty": DOUBLE,
    "gen_ai.request.max_tokens": INT,
    "gen_ai.request.model": STRING,
    "gen_ai.request.presence_penalty": DOUBLE,
    "gen_ai.request.previous_response.id": STRING,
    "gen_ai.request.reasoning.level": STRING,
    "gen_ai.request.seed": INT,
    "gen_ai.request.stop_sequences": STRINGS,
    "gen_ai.request.stream": BOOLEAN,
    "gen_ai.request.temperature": DOUBLE,
    "gen_ai.request.top_k": INT,
    "gen_ai.request.top_p": DOUBLE,
    "gen_ai.response.finish_reasons": STRINGS,
    "gen_ai.response.id": STRING,
    "gen_ai.response.model": STRING,
    "gen_ai.response.status": STRING,
    "gen_ai.response.time_to_first_chunk": DOUBLE,
    "gen_ai.retrieval.query.text": STRING,
    "gen_ai.retrieval.top_k": INT,
    "gen_ai.token.type": STRING,
    "gen_ai.tool.name": STRING,
    "gen_ai.usage.audio.input_tokens": INT,
    "gen_ai.usage.audio.output_tokens": INT,
    "gen_ai.usage.cache_read.input_tokens": INT,
    "gen_ai.usage.cache_write.input_tokens": INT,
    "gen_ai.usage.image.input_tokens": INT,
    "gen_ai.usage.image.output_tokens": INT,
    "gen_ai.usage.input_tokens": INT,
    "gen_ai.usage.output_tokens": INT,
    "gen_ai.usage.reasoning.output_tokens": INT,
    "http.request.method": STRING,
    "http.response.status_code": INT,
    "mcp.method.name": STRING,
    "openai.request.service_tier": STRING,
    "openai.response.service_tier": STRING,
    "openai.response.system_fingerprint": STRING,
    "server.address": STRING,
    "server.port": INT,
    "url.path": STRING,
    "user.id": STRING,
    # `any` in the registry: a JSON text where an attribute can hold no structure.
    "gen_ai.input.messages": "any",
    "gen_ai.output.messages": "any",
    "gen_ai.retrieval.documents": "any",
    "gen_ai.system_instructions": "any",
    "gen_ai.tool.call.arguments": "any",
    "gen_ai.tool.call.result": "any",
    "gen_ai.tool.definitions": "any",
}

# Names that are in no released package, or no longer to be used, each with its reason.
EXCEPTIONS: dict[str, str] = {
    "event.name": "replaced by the record's own EventName, which Loki and Datadog do not show",
}


def used() -> dict[str, str]:
    """Every attribute and event of `litellm_otel.emit.names` that is not our own: constant → name."""
    return {
        constant: value
        for constant, value in vars(names).items()
        if constant.isupper()
        and isinstance(value, str)
        and "." in value
        and not value.startswith("litellm.")
    }


def released() -> set[str]:
    """Every name of the installed packages that is in force."""
    found: set[str] = set()
    withdrawn: set[str] = set()
    for package in ("opentelemetry.semconv", "opentelemetry.util.genai"):
        for folder in import_module(package).__path__:
            for path in Path(folder).rglob("*.py"):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                found |= _names_in(tree)
                withdrawn |= _withdrawn_in(tree)
    return found - withdrawn


def _withdrawn_in(tree: ast.Module) -> set[str]:
    return {
        constant
        for node, following in itertools.pairwise(tree.body)
        if isinstance(node, ast.AnnAssign)
        and isinstance(constant := getattr(node.value, "value", None), str)
        and isinstance(following, ast.Expr)
        and re.match(r"\s*Deprecated: (?!Moved to)", str(getattr(following.value, "value", "")))
    }


def _names_in(tree: ast.Module) -> set[str]:
    every = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    texts = {text for text in every if isinstance(text, str)}
    return {text for text in texts if re.fullmatch(r"[a-z][\w.]*\.[\w.]*\w", text)}


@functools.cache
def own() -> dict[str, str]:
    """Our own attributes and their types, as they are documented."""
    return {name: about.partition(": ")[0] for name, about in own_attributes()}


def type_of(name: str) -> str | None:
    """The type that an attribute is to have; ``None`` for an unknown one."""
    mine = own()
    if name in mine:
        return mine[name]
    for prefix, kind in mine.items():
        if prefix.endswith("*") and name.startswith(prefix[:-1]):
            return kind
    return TYPES.get(name) or (STRING if name in EXCEPTIONS else None)


def fits(value: Any, kind: str) -> bool:
    if kind == "any":
        return True
    if kind == STRINGS:
        return isinstance(value, Sequence) and all(type(item) is str for item in value)
    return type(value) is {STRING: str, INT: int, DOUBLE: float, BOOLEAN: bool}[kind]


def misfits(attributes: Any) -> Iterator[str]:
    """What is wrong with a set of attributes: unknown names, and values of another type."""
    for name, value in dict(attributes or {}).items():
        kind = type_of(name)
        if kind is None:
            yield f"{name} is in no convention and not documented"
        elif not fits(value, kind):
            yield f"{name} is to be {kind}, and is {value!r}"
