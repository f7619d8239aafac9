"""Which content is recorded where, as the standard variables and ours say."""

from __future__ import annotations

from pathlib import Path

import pytest

from litellm_otel import settings
from litellm_otel.content.policy import MODES

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EVENT = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"
HOOK = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
PATTERNS = "LITELLM_OTEL_CONTENT_REDACT_PATTERNS"


@pytest.mark.parametrize(
    ("mode", "on_spans", "on_events"),
    [
        ("NO_CONTENT", False, False),
        ("SPAN_ONLY", True, False),
        ("EVENT_ONLY", False, True),
        ("SPAN_AND_EVENT", True, True),
    ],
)
def test_modes(mode: str, on_spans: bool, on_events: bool) -> None:
    for text in (mode, mode.lower(), f" {mode} "):
        chosen, problems = settings.load({CAPTURE: text})
        assert problems == ()
        content = chosen.content
        assert (content.on_spans, content.on_events) == (on_spans, on_events)
        assert content.events is on_events
        assert content.reads is (on_spans or on_events)


def test_nothing_is_read_by_default() -> None:
    chosen, problems = settings.load({})
    assert problems == ()
    assert not chosen.content.reads
    assert not chosen.content.events


@pytest.mark.parametrize(
    ("text", "taken_as"),
    [
        ("true", "EVENT_ONLY"),
        ("True", "EVENT_ONLY"),
        ("1", "EVENT_ONLY"),
        ("false", "NO_CONTENT"),
    ],
)
def test_the_old_booleans_mean_what_they_did_and_say_so(text: str, taken_as: str) -> None:
    chosen, (problem,) = settings.load({CAPTURE: text})
    assert chosen.content.mode == taken_as
    assert problem.startswith(f"{CAPTURE}={text!r}: taken as {taken_as}")
    assert all(mode in problem for mode in MODES)


def test_an_unknown_mode_records_nothing_and_names_the_nearest() -> None:
    chosen, (problem,) = settings.load({CAPTURE: "SPANS_ONLY"})
    assert not chosen.content.reads
    assert "did you mean 'span_only'?" in problem
    assert "no content is recorded" in problem


def test_events_can_be_had_without_content() -> None:
    chosen, problems = settings.load({EVENT: "true"})
    assert problems == ()
    assert chosen.content.events
    assert not chosen.content.reads


def test_events_can_be_had_beside_content_on_spans() -> None:
    chosen, _ = settings.load({EVENT: "true", CAPTURE: "SPAN_ONLY"})
    assert (chosen.content.events, chosen.content.on_events) == (True, False)


def test_events_can_be_switched_off() -> None:
    chosen, problems = settings.load({EVENT: "false", CAPTURE: "SPAN_AND_EVENT"})
    assert (chosen.content.on_spans, chosen.content.events) == (True, False)
    assert problems == ()
    chosen, (problem,) = settings.load({EVENT: "false", CAPTURE: "EVENT_ONLY"})
    assert not chosen.content.reads
    assert "no content is recorded" in problem
    chosen, (problem,) = settings.load({EVENT: "perhaps", CAPTURE: "EVENT_ONLY"})
    assert chosen.content.events
    assert "neither true nor false" in problem


def test_a_hook_reads_content_that_no_span_or_event_has() -> None:
    chosen, _ = settings.load({HOOK: "upload"})
    assert chosen.content.reads
    assert not chosen.content.on_spans
    assert not chosen.content.on_events


def test_patterns() -> None:
    chosen, problems = settings.load({PATTERNS: r"\d{3,4}; [a-z]+@[a-z]+ ;"})
    assert problems == ()
    assert [pattern.pattern for pattern in chosen.content.patterns] == [
        r"\d{3,4}",
        "[a-z]+@[a-z]+",
    ]


def test_patterns_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "litellm-otel.yaml"
    file.write_text('content_redact_patterns: ["a{1,2}", "b;c"]\ncontent_max_length: 10\n')
    chosen, problems = settings.load({}, str(file))
    assert problems == ()
    assert [pattern.pattern for pattern in chosen.content.patterns] == ["a{1,2}", "b", "c"]
    assert chosen.content.max_length == 10


def test_nothing_is_recorded_while_a_pattern_is_wrong() -> None:
    wrong = {PATTERNS: "fine;(", CAPTURE: "SPAN_AND_EVENT", HOOK: "upload"}
    chosen, problems = settings.load(wrong)
    assert not chosen.content.reads
    assert len(problems) == 2
    assert "'(' is not a regular expression" in problems[0]
    assert "no content is recorded until" in problems[1]
    _, problems = settings.load({PATTERNS: "("})
    assert len(problems) == 1


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_wrong_limit_is_the_default(text: str) -> None:
    chosen, (problem,) = settings.load({"LITELLM_OTEL_CONTENT_MAX_LENGTH": text})
    assert chosen.content.max_length == 8192
    assert "not a whole number above 0" in problem
