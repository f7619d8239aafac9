"""LiteLLM's seams: each module watches one of them and tells the recorder what it sees.

Nothing in here knows of OpenTelemetry.
"""
