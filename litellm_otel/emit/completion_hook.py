"""Completion hooks of `opentelemetry-util-genai`: whoever is handed all content, to keep it elsewhere.

The package is optional, and so is what its own hook, ``upload``, needs. A hook is loaded in a thread of
its own: it may try its storage out, which must not hold anything else up.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any, Final, cast

from litellm_otel import announce
from litellm_otel import environment as env
from litellm_otel.emit import names
from litellm_otel.redaction import safe_message

GROUP: Final = "opentelemetry_genai_completion_hook"
INSTALL: Final = "pip install 'litellm-otel[upload]'"
PATIENCE: Final = 2.0
"""Seconds that the first completion waits for a hook that is still being loaded."""


class CompletionHook:
    """Hands completions to the hook of this name, once it is loaded; without it, to nobody."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loaded: Any = None
        self._ready = threading.Event()
        self._missed = 0

    def load(self) -> None:
        """Begin to load the hook."""
        threading.Thread(target=self._load, name="litellm-otel-hook", daemon=True).start()

    def after_fork(self) -> None:
        """In a forked child: threads are not there, nor connections to be shared."""
        self._loaded = None
        self._ready = threading.Event()
        self._missed = 0
        self.load()

    def _load(self) -> None:
        shown = f"{env.COMPLETION_HOOK}={self._name!r}"
        try:
            hook = self._find(shown)
            if hook is not None and not callable(getattr(hook, "on_completion", None)):
                announce.once(f"{shown}: it has no on_completion; no content is handed to it")
                hook = None
            self._loaded = hook
        except Exception as error:
            why = safe_message(" ".join(str(error).split())) or type(error).__name__
            announce.once(f"{shown}: {why}; it is not used")
        finally:
            self._ready.set()

    def _find(self, shown: str) -> Any:
        wanted = find_spec("opentelemetry.util.genai") is not None
        if self._name == "upload":
            wanted = wanted and find_spec("fsspec") is not None
        if not wanted:
            announce.once(f"{shown}: a package is missing for it; run: {INSTALL}")
            return None
        known = {entry.name: entry for entry in entry_points(group=GROUP)}
        entry = known.get(self._name)
        if entry is None:
            announce.once(f"{shown}: no such hook; there is {', '.join(sorted(known)) or 'none'}")
            return None
        return entry.load()()

    def completed(self, values: Mapping[str, Any], span: Any, event: Any) -> None:
        """Hand over one completion, of the shapes in `content_shapes`; the hook may write into both."""
        if not self._ready.wait(0.0 if self._missed else PATIENCE):
            self._missed += 1
            announce.once(
                f"{env.COMPLETION_HOOK}={self._name!r} is not ready yet; "
                "it is not handed the content of calls that end before it is"
            )
            return
        if self._loaded is None:
            return
        self._loaded.on_completion(
            inputs=_messages(values.get(names.GEN_AI_INPUT_MESSAGES), answer=False),
            outputs=_messages(values.get(names.GEN_AI_OUTPUT_MESSAGES), answer=True),
            system_instruction=_parts(values.get(names.GEN_AI_SYSTEM_INSTRUCTIONS) or ()),
            tool_definitions=_tools(values.get(names.GEN_AI_TOOL_DEFINITIONS) or ()) or None,
            span=span,
            log_record=event,
        )

    def shutdown(self, seconds: float) -> None:
        """Let the hook finish what it was handed, as far as it can."""
        shutdown = getattr(self._loaded, "shutdown", None)
        if callable(shutdown):
            shutdown(timeout_sec=seconds)


def before_threads_end(work: Callable[[], object]) -> None:
    """Run ``work`` at the program's end while thread pools, which hooks work with, still take any.

    ``atexit`` is too late: `concurrent.futures` closes its pools before, by the same means as this.
    """
    import_module("concurrent.futures.thread")  # its own registration has to precede ours
    register: Callable[[Callable[[], object]], None] | None = getattr(
        threading, "_register_atexit", None
    )
    if register is not None:
        register(work)


def _types() -> Any:
    return import_module("opentelemetry.util.genai.types")


def _messages(shapes: Any, *, answer: bool) -> list[Any]:
    types = _types()
    made: list[Any] = []
    for shape in cast("list[dict[str, Any]]", shapes or []):
        role, parts, name = shape["role"], _parts(shape["parts"]), shape.get("name")
        if answer:
            reason = shape.get("finish_reason")
            made.append(types.OutputMessage(role, parts, finish_reason=reason, name=name))
        else:
            made.append(types.InputMessage(role, parts, name=name))
    return made


def _parts(shapes: Any) -> list[Any]:
    return [_part(shape) for shape in cast("list[dict[str, Any]]", shapes)]


def _part(shape: dict[str, Any]) -> Any:
    types = _types()
    given, kind = shape, shape["type"]
    mime, modality = given.get("mime_type"), given.get("modality", "")
    match kind:
        case "text":
            return types.TextPart(given["content"])
        case "reasoning":
            return types.ReasoningPart(given["content"])
        case "tool_call":
            return types.ToolCallRequestPart(given.get("arguments"), given["name"], given.get("id"))
        case "tool_call_response":
            return types.ToolCallResponsePart(given["response"], given.get("id"))
        case "server_tool_call":
            return types.ServerToolCallPart(given["name"], given[kind], given.get("id"))
        case "server_tool_call_response":
            return types.ServerToolCallResponsePart(given[kind], given.get("id"))
        case "blob":
            return types.BlobPart(mime, modality, _bytes(given["content"]))
        case "uri":
            return types.UriPart(mime, modality, given["uri"])
        case "file":
            return types.FilePart(mime, modality, given["file_id"])
        case "compaction":
            return types.CompactionPart(given.get("id"), given.get("content"))
        case _:
            return types.GenericPart(kind)


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return b""


def _tools(shapes: Any) -> list[Any]:
    types = _types()
    return [
        types.FunctionToolDefinition(
            shape["name"], shape.get("description"), shape.get("parameters")
        )
        if shape["type"] == "function"
        else types.GenericToolDefinition(shape["name"], shape["type"])
        for shape in cast("list[dict[str, Any]]", shapes)
    ]
