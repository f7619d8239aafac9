"""Which environments there are, and what is in each beside the project and what all tests need."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Environment:
    """A set of packages that some tests are run with."""

    name: str
    requirements: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    """What is taken instead of what a package asks for, where the index can't satisfy that."""
    python: str = ""
    """``3.10``: this Python where it is installed, and the one that asks where it is not."""


TESTING = (
    "aiohttp",
    "httpx",
    "opentelemetry-proto",
    "opentelemetry-test-utils>=0.66b0",
    "psutil",
    "pytest",
    "pytest-asyncio",
    "pytest-timeout",
    "pyyaml",
    "tenacity",
    "zstandard",
)
"""What tests and the stand-ins import, in every environment."""

ENVIRONMENTS = {
    row.name: row
    for row in (
        # Not on Python 3.10 or 3.11: there its logging worker survives being cancelled, and an event
        # loop that ends meanwhile waits for it for ever, with telemetry or without.
        Environment("litellm-oldest", ("litellm[proxy]==1.80.0",), python="3.12"),
        # On Python 3.10 the last FastAPI is 0.162; the others have the newest.
        Environment("litellm-middle", ("litellm[proxy]==1.94.0",), python="3.10"),
        Environment(
            "litellm-newest",
            ("litellm[proxy]==1.109.1",),
            # It asks for releases of these two that were never put on the index.
            overrides=("certifi>=2026.10.18", "litellm-proxy-extras>=0.4.110"),
            python="3.13",
        ),
        # Those who trace or count the same calls.
        Environment(
            "side-by-side",
            (
                "litellm[proxy]>=1.106,<1.107",
                "anthropic",
                "langfuse>=4.7,<5",
                "openinference-instrumentation-litellm",
                "openinference-instrumentation-openai",
                "opentelemetry-configuration>=0.66b0",
                "opentelemetry-distro>=0.66b0",
                "opentelemetry-instrumentation-genai-anthropic>=1.3b0",
                "opentelemetry-instrumentation-genai-openai>=1.3b0",
                "opentelemetry-instrumentation-litellm",
            ),
        ),
        # What a Datadog Agent runs its checks with.
        Environment("datadog-agent", ("datadog-checks-base[deps]>=38.5,<39",)),
        Environment("ddtrace", ("litellm[proxy]>=1.106,<1.107", "ddtrace>=4.8.2,<5")),
    )
}
