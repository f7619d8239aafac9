"""Content is cut to size: the answer and the newest messages stay, and what is cut says so."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from litellm_otel.content.limits import cut, fit, size_of
from litellm_otel.content.redaction import Redaction
from litellm_otel.quotes import REDACTED
from tests import content_conventions

INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"


def message(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def texts(messages: list[Any]) -> list[str]:
    return [part["content"] for each in messages for part in each["parts"]]


def test_what_fits_stays_as_it_is() -> None:
    values = {
        INPUT: [message("one"), message("two")],
        OUTPUT: [message("three", "assistant")],
        "gen_ai.retrieval.query.text": "what",
        "gen_ai.tool.call.arguments": {"a": [1, None]},
    }
    fitted = fit(values, 100, 10_000)
    assert fitted.values == values
    assert fitted.left_out == 0


def test_a_long_part_is_cut_and_says_by_how_much() -> None:
    fitted = fit({INPUT: [message("x" * 150), message("short")]}, 100, 10_000)
    assert texts(fitted.values[INPUT]) == ["x" * 100 + "… [50 more characters]", "short"]
    content_conventions.check(fitted.values)


@pytest.mark.parametrize("name", [INPUT, OUTPUT, "gen_ai.tool.definitions"])
@pytest.mark.parametrize("text", ["word ", "é", "日", "\\", '"', "\n"])
@pytest.mark.parametrize("size", [200, 1_000, 10_000])
def test_the_size_is_never_exceeded(name: str, text: str, size: int) -> None:
    items: list[Any] = [message(f"{number} {text * 200}") for number in range(60)]
    if name.endswith("definitions"):
        items = [{"type": "function", "name": f"f{n}", "description": text * 99} for n in range(60)]
    fitted = fit({name: items}, 500, size)
    assert size_of(fitted.values.get(name, [])) <= size + 2
    assert fitted.left_out == 60 - len(fitted.values.get(name, []))


def test_the_answer_comes_first_and_then_the_newest_messages() -> None:
    values = {
        INPUT: [message(f"{number} " + "x" * 300) for number in range(10)],
        OUTPUT: [message("the answer" + "y" * 300, "assistant")],
        "gen_ai.tool.definitions": [{"type": "function", "name": "f", "description": "z" * 300}],
    }
    fitted = fit(values, 1_000, 1_300)
    assert texts(fitted.values[OUTPUT]) == texts(values[OUTPUT])
    kept = [text.split()[0] for text in texts(fitted.values[INPUT])]
    assert kept == [str(number) for number in range(10 - len(kept), 10)]
    assert 0 < len(kept) < 10
    assert "gen_ai.tool.definitions" not in fitted.values
    assert fitted.left_out == 10 - len(kept) + 1


def test_half_a_picture_is_none() -> None:
    blob = {"type": "blob", "modality": "image", "content": "A" * 200, "size": 150}
    values = {INPUT: [{"role": "user", "parts": [blob]}]}
    (kept,) = fit(values, 100, 10_000).values[INPUT]
    assert kept["parts"] == [{**blob, "content": ""}]
    assert fit(values, 300, 10_000).values == values


def test_cut() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc… [1 more characters]"


def test_credentials_go_from_texts_and_from_under_telling_names() -> None:
    redaction = Redaction()
    given = {
        "parts": [
            {"type": "text", "content": "use sk-proj-Ab3dEf6hIj9kLmNoPq please"},
            {
                "type": "tool_call",
                "name": "login",
                "arguments": {
                    "password": "two words",
                    "pin_token": 12345,
                    "user": "me",
                    "on": True,
                },
            },
        ]
    }
    cleaned = redaction.value(given)
    assert cleaned["parts"][0]["content"] == f"use {REDACTED} please"
    assert cleaned["parts"][1]["arguments"] == {
        "password": REDACTED,
        "pin_token": REDACTED,
        "user": "me",
        "on": True,
    }


def test_secrets_that_are_known_word_for_word() -> None:
    secret = 'pass"word of nobody'
    given = [message(f"They said {secret}!"), message("nothing"), message(json.dumps(secret))]
    assert texts(Redaction().value(given, [secret])) == [
        f"They said {REDACTED}!",
        "nothing",
        f'"{REDACTED}"',
    ]
    assert Redaction().value(given[1:2], [secret]) == given[1:2]


def test_the_operators_patterns() -> None:
    redaction = Redaction([re.compile(r"\d{3}-\d{2}-\d{4}"), re.compile("(?i)bob")])
    assert redaction.value({"a": ["BOB has 123-45-6789"]}) == {"a": [f"{REDACTED} has {REDACTED}"]}


def test_a_secret_across_the_cut_is_taken_out() -> None:
    secret = "sk-proj-Ab3dEf6hIj9kLmNoPq"
    cleaned = Redaction().value([message("x" * 90 + " " + secret)])
    (kept,) = fit({INPUT: cleaned}, 100, 10_000).values[INPUT]
    assert "sk-" not in texts([kept])[0]


def test_half_a_surrogate_pair_does_not_keep_the_rest_from_leaving() -> None:
    assert Redaction().value({"a": ["half \ud800 a pair"]}) == {"a": ["half ? a pair"]}


def test_data_is_not_searched_for_secrets() -> None:
    blob = {"type": "blob", "modality": "image", "content": "sk-aaaaaaaaaaaaaaaaaaaa"}
    assert Redaction().value(blob) == blob
