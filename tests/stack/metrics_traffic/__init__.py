"""What the test of LiteLLM's metrics sends through the proxy, and what has to come of it."""
