"""URLs are shown without what lets their reader in."""

from __future__ import annotations

import pytest

from litellm_otel.http_urls import presentable


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.openai.com/v1/chat/completions", None),
        ("http://[::1]:8080/v1", None),
        ("https://x.openai.azure.com/openai/deployments/a/chat?api-version=2024-06-01", None),
        (
            "https://g.example/v1beta/models/gemini:streamGenerateContent?key=AIzaX&alt=sse",
            "https://g.example/v1beta/models/gemini:streamGenerateContent?key=REDACTED&alt=sse",
        ),
        ("https://user:pw@h.example:8443/a", "https://REDACTED:REDACTED@h.example:8443/a"),
        ("https://token@h.example/a", "https://REDACTED:REDACTED@h.example/a"),
        ("https://h.example/a?sk-0123456789", "https://h.example/a?REDACTED"),
        ("https://h.example/a?x=1&x=2&y=", "https://h.example/a?x=REDACTED&x=REDACTED&y=REDACTED"),
        ("https://h.example/a?sk-01234567890123=1", "https://h.example/a?[REDACTED]=REDACTED"),
        ("https://h.example/v1/sk-proj-0123456789/chat", "https://h.example/v1/[REDACTED]/chat"),
        ("https://h.example/a#access_token=abcdef", "https://h.example/a"),
        ("http://[broken/", "REDACTED"),
        ("", ""),
    ],
)
def test_only_what_is_harmless_is_shown(url: str, shown: str | None) -> None:
    assert presentable(url) == (url if shown is None else shown)


def test_what_is_remembered_is_bounded() -> None:
    for number in range(3000):
        presentable(f"https://h.example/{number}")
    assert presentable.cache_info().currsize <= 1024
