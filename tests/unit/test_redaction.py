"""What looks like a credential never gets out of a text; the rest of it stays."""

from __future__ import annotations

import pytest

from litellm_otel.quotes import REDACTED
from litellm_otel.redaction import MAX_MESSAGE, redact, safe_message

# Planted strings, each in the surroundings it is met in. They are made up.
PLANTED = {
    "OpenAI key": ("Incorrect API key provided: {}.", "sk-proj-Ab3dEf6hIj9kLmNoPqRsTuVw"),
    "OpenAI key, cut": ("Incorrect API key provided: {}.", "sk-Ab3d****9kLm"),
    "Anthropic key": ("x-api-key: {}", "sk-ant-api03-Zz11Yy22Xx33Ww44"),
    "Groq key": ("using {} for groq", "gsk_a1b2c3d4e5f6g7h8i9j0"),
    "xAI key": ("{} is invalid", "xai-a1b2c3d4e5f6g7h8i9"),
    "Hugging Face token": ("401 for {}", "hf_AbCdEfGhIjKlMnOpQrSt"),
    "Google key in a URL": (
        "POST https://generativelanguage.googleapis.com/v1/models/g:gen?key={}&alt=sse failed",
        "AIzaSyA-1234567890abcdefghijklmnopqrstuv",
    ),
    "any key in a URL": ("GET http://host/path?api_key={} -> 403", "plainvalue123"),
    "signature in a URL": ("https://blob/x?sv=2024&sig={}&se=1", "aGVsbG8lMkZ3b3JsZA"),
    "bearer": ("Authorization: Bearer {}", "abcdefGHIJK.123-456_789"),
    "bearer, no header": ("sent bearer {} upstream", "zyxwvutsrqp987654"),
    "basic": ("'Authorization': 'Basic {}'", "dXNlcjpwYXNzd29yZA=="),
    "password in a URL": ("could not reach postgresql://app:{}@db:5432/litellm", "hunter2hunter2"),
    "redis url": ("redis://:{}@cache:6379/0 refused", "r3disPassw0rd"),
    "AWS access key": ("credential {} expired", "AKIAIOSFODNN7EXAMPLE"),
    "AWS session key": ("{}/20261121/us-east-1", "ASIAIOSFODNN7EXAMPLE"),
    "AWS secret": (
        "aws_secret_access_key={}",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    "AWS session token": ('"aws_session_token": "{}"', "FwoGZXIvYXdzEBYaDHhBTEMPLE"),
    "Vertex private key": (
        '"private_key": "{}"',
        "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqh\\n-----END PRIVATE KEY-----",
    ),
    "PEM": (
        "key:\n{}\nend",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    ),
    "OAuth token": ("token {} refused", "ya29.a0AfH6SMBx-example_token"),
    "JWT": ("got {}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    "GitHub token": ("remote: {}", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    "Slack token": ("slack said {}", "xoxb-123456789012-abcdefghijkl"),
    "password setting": ("password='{}' rejected", "correct-horse-battery"),
    "client secret": ("client_secret: {}", "8Q~abcdefghijklmnop"),
    "LITELLM_MASTER_KEY": ("LITELLM_MASTER_KEY={} set", "very-long-master-value"),
    "OPENAI_API_KEY": ("env OPENAI_API_KEY={}", "whatever-it-is"),
    "Azure header": ("'api-key': '{}'", "0123456789abcdef0123456789abcdef"),
    "subscription key": ("Ocp-Apim-Subscription-Key: {}", "fedcba9876543210"),
    "Replicate token": ("r8 {}", "r8_AbCdEfGhIjKlMnOp"),
    "NVIDIA key": ("with {}", "nvapi-AbCdEfGhIjKl-MnOp"),
    "JSON dump": ('{{"model": "x", "api_key": "{}"}}', "in-a-json-object"),
    "repr in a repr": ("{{\\'api_key\\': \\'{}\\', \\'n\\': 1}}", "in-a-dict-in-a-text"),
    "configured header": ("{{'extra_headers': {{'X-Tenant': '{}'}}, 'n': 1}}", "of-any-name"),
    "configured header, in a repr": (
        "\\'extra_headers\\': {{\\'X-Tenant\\': \\'{}\\'}}, \\'n\\': 1}}",
        "of-any-name",
    ),
    "repr of a dict": ("{{'api_key': '{}', 'n': 1}}", "in-a-python-dict"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_credentials_are_taken_out(name: str) -> None:
    surroundings, secret = PLANTED[name]
    text = surroundings.format(secret)
    assert secret in text
    left = redact(text)
    assert secret not in left
    assert REDACTED in left


@pytest.mark.parametrize(
    "text",
    [
        "Rate limit reached for requests per min (RPM): Limit 500, Used 500, Requested 1.",
        "This model's maximum context length is 8192 tokens, however you requested 9000 tokens.",
        "litellm.Timeout: Connection timed out. Timeout passed=600.0, time taken=600.1 seconds",
        "model group 'chat' failed with the error above and no fallback model group was found",
        "No deployments available for selected model, Try again in 5 seconds.",
        "the key is missing",
        "task finished, risk assessed, disk full",
    ],
)
def test_ordinary_messages_stay(text: str) -> None:
    assert redact(text) == text


def test_redacting_twice_changes_nothing_more() -> None:
    for surroundings, secret in PLANTED.values():
        once = redact(surroundings.format(secret))
        assert redact(once) == once


def test_messages_are_cut() -> None:
    message = safe_message("x" * 100_000)
    assert len(message) == MAX_MESSAGE
    assert message.endswith("…")
