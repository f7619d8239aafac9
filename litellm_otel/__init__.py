"""OpenTelemetry traces, metrics and logs for LiteLLM: SDK, Router and Proxy, with no code change."""

__version__ = "0.1.0"
