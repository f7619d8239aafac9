"""Prometheus rules and Alertmanager routing for LiteLLM, and the code that renders them.

The YAML files are what an operator installs. The modules only put other durations, addresses
or link targets into those same files, for a test, a demo or another site.
"""
