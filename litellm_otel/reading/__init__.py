"""LiteLLM's objects → records. The only place that knows their shapes; allow-lists throughout."""
