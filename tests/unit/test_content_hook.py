"""Completion hooks: the one that uploads, those that others bring, and those that can't be had."""

from __future__ import annotations

import json
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from litellm_otel import announce
from litellm_otel.emit import completion_hook
from litellm_otel.emit.completion_hook import GROUP, CompletionHook

if TYPE_CHECKING:
    from pathlib import Path

HOOK = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
UPLOAD = "OTEL_INSTRUMENTATION_GENAI_UPLOAD_"
SECONDS = 60.0
PARTS: list[dict[str, Any]] = [
    {"type": "text", "content": "Hi"},
    {"type": "reasoning", "content": "hm"},
    {"type": "tool_call", "name": "f", "id": "c1", "arguments": {"a": 1}},
    {"type": "tool_call_response", "response": "sun", "id": "c1"},
    {"type": "server_tool_call", "name": "s", "server_tool_call": {"type": "s"}},
    {"type": "server_tool_call_response", "server_tool_call_response": {"type": "s"}},
    {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "iVBORw0KGgo="},
    {"type": "uri", "modality": "image", "uri": "https://pages.example/a"},
    {"type": "file", "modality": "document", "file_id": "file-1"},
    {"type": "compaction", "id": "c"},
    {"type": "hologram"},
]
VALUES: dict[str, Any] = {
    "gen_ai.input.messages": [{"role": "user", "parts": PARTS}],
    "gen_ai.output.messages": [
        {"role": "assistant", "parts": PARTS[:1], "finish_reason": "stop"},
    ],
    "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
    "gen_ai.tool.definitions": [
        {"type": "function", "name": "f", "parameters": {"type": "object"}},
        {"type": "web_search", "name": "web_search"},
    ],
}


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announce, "_told", set())


def loaded(name: str) -> CompletionHook:
    hook = CompletionHook(name)
    hook.load()
    assert hook._ready.wait(SECONDS)
    return hook


def known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: known(item) for key, item in value.items() if item is not None}
    return [known(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv(f"{UPLOAD}BASE_PATH", str(tmp_path))
    monkeypatch.setenv(f"{UPLOAD}FORMAT", kind)
    hook = loaded("upload")
    with TracerProvider().get_tracer("t").start_as_current_span("chat") as span:
        hook.completed(VALUES, span, None)
    hook.shutdown(SECONDS)
    hook.shutdown(SECONDS)
    attributes = dict(getattr(span, "attributes", {}))
    assert set(attributes) == {f"{name}_ref" for name in VALUES}
    for name, expected in VALUES.items():
        text = (tmp_path / attributes[f"{name}_ref"].rpartition("/")[2]).read_text()
        found = [json.loads(line) for line in text.splitlines()]
        if kind == "json":
            (found,) = found
        else:
            assert [line.pop("index") for line in found] == list(range(len(found)))
        assert known(found) == expected


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "litellm_otel"]


@pytest.mark.parametrize(
    ("name", "path", "line"),
    [
        ("uplaod", "", f"{HOOK}='uplaod': no such hook; there is upload"),
        ("upload", "/nowhere/at/all", "No such file or directory"),
    ],
)
def test_a_hook_that_can_not_be(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    path: str,
    line: str,
) -> None:
    monkeypatch.setenv(f"{UPLOAD}BASE_PATH", path)
    hook = loaded(name)
    hook.completed(VALUES, None, None)
    hook.shutdown(SECONDS)
    (told,) = lines(caplog)
    assert line in told
    assert "\n" not in told


@pytest.mark.parametrize("package", ["fsspec", "opentelemetry.util.genai"])
def test_a_package_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, package: str
) -> None:
    found = completion_hook.find_spec
    monkeypatch.setattr(
        completion_hook, "find_spec", lambda name: None if name == package else found(name)
    )
    loaded("upload").completed(VALUES, None, None)
    (told,) = lines(caplog)
    assert told.endswith("a package is missing for it; run: pip install 'litellm-otel[upload]'")


class Slow:
    """A hook that takes its time to begin."""

    begin = threading.Event()
    handed: list[dict[str, Any]] = []

    def __init__(self) -> None:
        assert self.begin.wait(SECONDS)

    def on_completion(self, **given: Any) -> None:
        self.handed.append(given)


def test_a_hook_that_is_not_ready_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Entry:
        name = "slow"

        def load(self) -> type[Slow]:
            return Slow

    monkeypatch.setattr(completion_hook, "entry_points", lambda group: [Entry()] * (group == GROUP))
    monkeypatch.setattr(completion_hook, "PATIENCE", 0.01)
    caplog.set_level(logging.WARNING)
    hook = CompletionHook("slow")
    hook.load()
    hook.completed(VALUES, None, None)
    hook.completed(VALUES, None, None)
    (told,) = lines(caplog)
    assert "is not ready yet" in told
    Slow.begin.set()
    assert hook._ready.wait(SECONDS)
    hook.completed(VALUES, None, None)
    (given,) = Slow.handed
    assert [part.content for part in given["system_instruction"]] == ["Be brief."]
    hook.shutdown(SECONDS)  # it has none of its own


def test_nothing_of_it_is_imported_before_it_is_used() -> None:
    code = "import litellm_otel.emit.completion_hook, sys; print('opentelemetry.util.genai' in sys.modules)"
    import subprocess

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
