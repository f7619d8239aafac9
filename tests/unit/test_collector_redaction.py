"""What the collector's masking may skip for speed holds nothing that is to be masked."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

BASE = Path(__file__).resolve().parents[2] / "collector" / "config" / "base.yaml"
PROCESSORS: dict[str, Any] = yaml.safe_load(BASE.read_text(encoding="utf-8"))["processors"]
WORDS, SECRETS = PROCESSORS["redaction/words"], PROCESSORS["redaction/secrets"]
TOKEN = "abcdefghij0123456789ABCDEFGHIJ0123456789"
MASKED = [
    *("sk-1234", "bearer 12345678", "BEARER\n12345678", "Authorization: Basic dXNlcjpwdw=="),
    *(
        f"{prefix}{TOKEN}"
        for prefix in ("github_pat_", "tgp_v1_", "nvapi-", "glpat-", "pplx-", "xoxb-", "xai-")
    ),
    *(f"{prefix}{TOKEN}" for prefix in ("gsk_", "ghp_", "hf_", "r8_", "AIza")),
    *("AKIAABCDEFGHIJ234567", "ASIAABCDEFGHIJ234567", f"eyJ{TOKEN}.{TOKEN}.{TOKEN}"),
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    *("https://me:password@host/", "?key=1", "&API_KEY=1", "token=1", "?x-amz-signature=1"),
]
LEFT = ["ask-me", "task-12345678", "gpt-4o", "risk-based", "monkey=1", "://host:8080/", "key: 1"]
NAMES = ["password", "X-Api-Key", "http.request.header.authorization", "set-cookie", "a.secret"]
HARMLESS_NAMES = ["litellm.key.alias", "gen_ai.usage.input_tokens", "secretary", "my_password"]


def patterns(texts: list[str]) -> list[re.Pattern[str]]:
    """As Go's engine reads them: $ is the end of the text, letters are ASCII, runes in braces."""
    ended = [re.sub(r"\$(?=\)?\Z)", r"\\Z", text) for text in texts]
    runes = [re.sub(r"\\x\{(\w+)\}", lambda rune: chr(int(rune[1], 16)), text) for text in ended]
    return [re.compile(text, re.ASCII) for text in runes]


VALUES = patterns(WORDS["blocked_values"] + SECRETS["blocked_values"])
KEYS = patterns(SECRETS["blocked_key_patterns"])


@pytest.mark.parametrize("text", MASKED)
def test_masked(text: str) -> None:
    for value in (text, f"x {text}") if not text[0].isalpha() or "=" not in text else (text,):
        assert any(pattern.search(value) for pattern in VALUES)


@pytest.mark.parametrize("text", LEFT)
def test_left(text: str) -> None:
    assert not any(pattern.search(text) for pattern in VALUES)


def test_names() -> None:
    assert all(any(pattern.search(name) for pattern in KEYS) for name in NAMES)
    assert not any(pattern.search(name) for name in HARMLESS_NAMES for pattern in KEYS)


def test_what_is_skipped_holds_none_of_what_is_looked_for() -> None:
    skipped, blocked = patterns(WORDS["allowed_values"]), patterns(WORDS["blocked_values"])
    pieces = [
        *("sk-", "bearer", "Bearer", "BEARER", "authorization", "AUTHORIZATION", "basic", "Basic"),
        *(
            " ",
            "\n",
            ":",
            "=",
            '"',
            "'",
            "-",
            "k",
            "r",
            "R",
            "K",
            "abcdefgh",
            "12345678",
            "\u212a",
            "\ufffd",
        ),
    ]
    chance = random.Random(7)
    found = 0
    for _ in range(50_000):
        value = "".join(chance.choices(pieces, k=chance.randint(1, 7)))
        if any(pattern.search(value) for pattern in blocked):
            found += 1
            assert not any(pattern.search(value) for pattern in skipped), value
    assert found > 1000


def test_what_needs_no_look_is_skipped() -> None:
    skipped = patterns(WORDS["allowed_values"])
    for value in ("gpt-4o", "openai", "17", "true", "2026-11-21T13:39:39.187Z", "a" * 64):
        assert any(pattern.search(value) for pattern in skipped), value
