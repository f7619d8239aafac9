"""Starting a program with its telemetry, and telemetry within a program that runs already."""

from __future__ import annotations

import os

DIRECTORY = os.path.dirname(os.path.abspath(__file__))
"""What has to be on ``PYTHONPATH`` for ``sitecustomize`` to be found."""
OURS = "litellm_otel"


def choose_distro() -> None:
    """Say that this package's distro and configurator are meant, unless others were chosen."""
    os.environ.setdefault("OTEL_PYTHON_DISTRO", OURS)
    os.environ.setdefault("OTEL_PYTHON_CONFIGURATOR", OURS)


def start() -> None:
    """Start telemetry in this process; once, however often it is called."""
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    from litellm_otel.lifecycle import started

    if not started():
        choose_distro()
        initialize()
