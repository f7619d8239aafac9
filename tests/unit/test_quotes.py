"""What is known word for word goes out of a text that quotes it, whole or in part, however escaped."""

from __future__ import annotations

import base64
import json
import random
import string
from urllib.parse import quote

import pytest

from litellm_otel.quotes import CONTENT, MAX_CONTENT, REDACTED, Recent, without_content
from litellm_otel.quotes import without_secrets as without

PROMPT = "Dear doctor, since Tuesday my left knee hurts when I climb the stairs to my office."
LINES = 'First "quoted" line of it,\n\tthen a second line with a \\ in it,\nand the third and last.'
FOREIGN = "Sehr geehrte Frau Müller, 今日は天気がとても良いですね、散歩に行きましょう。"


@pytest.mark.parametrize("content", [PROMPT, LINES, FOREIGN], ids=["plain", "lines", "foreign"])
@pytest.mark.parametrize(
    "shape",
    [
        str,
        repr,
        json.dumps,
        lambda text: json.dumps({"messages": [{"role": "user", "content": text}]}),
        lambda text: json.dumps(json.dumps({"input": text})),
        lambda text: repr({"content": text}),
        lambda text: f"'{text[:60]}' ... (truncated)",
        lambda text: f"...{text[15:70]}...",
    ],
    ids=["as is", "repr", "JSON", "in JSON", "twice", "dict", "cut", "middle"],
)
def test_a_quotation_is_taken_out(content: str, shape: object) -> None:
    quoted = shape(content)  # type: ignore[operator]
    left = without_content(f"400: bad request, got {quoted}, sorry", [content])
    assert left.startswith("400: bad request, got ")
    assert left.endswith(", sorry")
    assert CONTENT in left
    for word in ("doctor", "knee", "stairs", "second line", "third", "Müller", "天気", "u5929"):
        assert word not in left


def test_the_rest_stays() -> None:
    text = "Rate limit reached for requests per min (RPM): Limit 500, Used 500, Requested 1."
    assert without_content(text, [PROMPT, LINES, FOREIGN]) == text
    assert without_content("no", ["no"]) == "no"
    assert without_content("anything", []) == "anything"


def test_any_run_of_a_content_is_found() -> None:
    letters = random.Random(7)
    content = "".join(letters.choices(string.ascii_letters + " ", k=2000))
    for _ in range(200):
        start = letters.randrange(0, 1960)
        part = content[start : start + 34]
        assert part not in without_content(f"<{part}>", [content])


def test_a_huge_content_is_looked_at_in_bounds() -> None:
    huge = "lorem ipsum " * MAX_CONTENT
    assert CONTENT in without_content("you said: lorem ipsum lorem ipsum lorem ipsum lorem", [huge])


SECRET = "s3cr3t/with+odd&characters="


@pytest.mark.parametrize(
    "text",
    [
        f"bad value {SECRET} in request",
        f"GET https://host/?q={quote(SECRET, safe='')}",
        f"header {base64.b64encode(SECRET.encode()).decode()}",
        f"header {base64.b64encode(b'user:' + SECRET.encode()).decode()}",
        f"header {base64.b64encode(b'u:' + SECRET.encode() + b':x').decode()}",
    ],
)
def test_a_known_secret_is_taken_out_in_any_form(text: str) -> None:
    left = without(text, [SECRET])
    assert left != text
    assert REDACTED in left
    assert "s3cr3t" not in left


def test_what_failed_a_moment_ago_is_remembered_for_a_while() -> None:
    now = Recent(calls=2)
    now.remember(["the first prompt that failed"], ["first-secret"])
    now.remember([PROMPT], ["second-secret"])
    assert "knee" not in now.taken_out(f"error: {PROMPT}")
    assert "first-secret" not in now.taken_out("error: first-secret")
    now.remember(["a third prompt, also failed"], [])
    assert "first-secret" in now.taken_out("error: first-secret")
    past = Recent(seconds=-1.0)
    past.remember([PROMPT], [])
    assert past.taken_out(PROMPT) == PROMPT
