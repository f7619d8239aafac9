"""Content as whole processes send it: from the environment to the wire, and to files, also at their end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests import content_conventions
from tests.component.programs import CALL, run_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.otlp_sink import Item, Sink

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
HOOK = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
PATH = "OTEL_INSTRUMENTATION_GENAI_UPLOAD_BASE_PATH"
EVENT = "gen_ai.client.inference.operation.details"
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
PROMPT = "a prompt with sk-proj-Ab3dEf6hIj9kLmNoPq in it"
ASKED = [{"role": "user", "parts": [{"type": "text", "content": "a prompt with [REDACTED] in it"}]}]
ANSWERED = [
    {
        "role": "assistant",
        "parts": [{"type": "text", "content": "Hi"}],
        "finish_reason": "stop",
    }
]
PROGRAM = f"{CALL}\ncall({PROMPT!r})\n"


def run(folder: Path, sink: Sink, program: str = PROGRAM, **env: str) -> str:
    """Run the program; what it said on standard error."""
    result = run_program(folder, program, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url, **env)
    assert result.returncode == 0, result.stderr
    return result.stderr


def chats(sink: Sink) -> list[Item]:
    return [item for item in sink.spans if item.data.name.startswith("chat ")]


def events(sink: Sink) -> list[Item]:
    return [item for item in sink.logs if item.data.event_name == EVENT]


@pytest.mark.parametrize(
    ("mode", "on_span", "on_event"),
    [
        (None, False, False),
        ("SPAN_AND_EVENT", True, True),
        ("true", False, True),
    ],
)
def test_modes(tmp_path: Path, sink: Sink, mode: str | None, on_span: bool, on_event: bool) -> None:
    told = run(tmp_path, sink, **({CAPTURE: mode} if mode else {}))
    expected = {INPUT: ASKED, OUTPUT: ANSWERED}
    (span,) = chats(sink)
    assert content_conventions.of_span(span.attributes) == (expected if on_span else {})
    assert len(events(sink)) == on_event
    for event in events(sink):
        assert content_conventions.of_event(event.attributes) == expected
        assert event.data.span_id == span.data.span_id
    lines = [line for line in told.splitlines() if CAPTURE in line]
    assert len(lines) == (mode == "true")
    everything = repr([item.data for item in (*sink.spans, *sink.logs)])
    assert "sk-proj" not in everything
    if not (on_span or on_event):
        assert "a prompt with" not in everything


def test_upload(tmp_path: Path, sink: Sink) -> None:
    """All of it is in files when the program has ended, which it does at once; spans say where."""
    folder = tmp_path / "prompts"
    folder.mkdir()
    long = "word " * 20_000
    # Imported before it is loaded: the program does not wait long for that.
    hook = "import opentelemetry.util.genai._upload.completion_hook"
    program = f"{hook}\n{CALL}\ncall({PROMPT!r})\ncall({long!r})\n"
    run(tmp_path, sink, program, **{HOOK: "upload", PATH: folder.as_uri(), CAPTURE: "SPAN_ONLY"})
    first, second = sorted(chats(sink), key=lambda span: span.data.start_time_unix_nano)
    assert len(list(folder.iterdir())) == 4
    for name, expected in ((INPUT, ASKED), (OUTPUT, ANSWERED)):
        file = folder / first.attributes[f"{name}_ref"].rpartition("/")[2]
        assert without_nothing(json.loads(file.read_text())) == expected
    file = folder / second.attributes[f"{INPUT}_ref"].rpartition("/")[2]
    assert json.loads(file.read_text())[0]["parts"][0]["content"] == long
    (message,) = content_conventions.of_span(second.attributes)[INPUT]
    assert message["parts"][0]["content"].endswith(f"… [{len(long) - 8192} more characters]")


def without_nothing(value: Any) -> Any:
    """The upload writes fields that are not known as null."""
    if isinstance(value, dict):
        return {key: without_nothing(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nothing(item) for item in value]
    return value
