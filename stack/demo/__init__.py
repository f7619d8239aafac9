"""The demo: LiteLLM's traffic arrives everywhere, and a page goes out when a provider breaks."""
