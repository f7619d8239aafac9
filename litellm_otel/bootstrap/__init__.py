"""Starting a program with its telemetry, and telemetry within a program that runs already."""

from __future__ import annotations

import os
from importlib import import_module

DIRECTORY = os.path.dirname(os.path.abspath(__file__))
"""What has to be on ``PYTHONPATH`` for ``sitecustomize`` to be found."""
OURS = "litellm_otel"

_started = False


def choose_distro() -> None:
    """Say that this package's distro and configurator are meant, unless others were chosen."""
    os.environ.setdefault("OTEL_PYTHON_DISTRO", OURS)
    os.environ.setdefault("OTEL_PYTHON_CONFIGURATOR", OURS)


def start() -> None:
    """Start telemetry in this process; once, however often it is called."""
    global _started
    if not _started:
        _started = True
        choose_distro()
        import_module("opentelemetry.instrumentation.auto_instrumentation").initialize()
