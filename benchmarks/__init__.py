"""What the instrumentation costs LiteLLM's proxy, in CPU time per request: ``python -m benchmarks``."""
