"""Runs the ``sitecustomize`` that OpenTelemetry's hides: Datadog's, a distribution's, a colleague's.

Python imports one only, the first on its path. Those of Datadog and of litellm-otel make way for the next;
OpenTelemetry's does not, so that ``ddtrace-run opentelemetry-instrument ...`` would run without Datadog.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

from litellm_otel import announce, bootstrap

_NAME = "sitecustomize"
_OPENTELEMETRYS = os.path.join("opentelemetry", "instrumentation", "auto_instrumentation")


def run_hidden_by_opentelemetry() -> None:
    """Run the next one, if OpenTelemetry's is being run right now."""
    running: Any = sys.modules.get(_NAME)
    directory = os.path.dirname(getattr(running, "__file__", None) or "")
    if not directory.endswith(_OPENTELEMETRYS):
        return
    if not getattr(getattr(running, "__spec__", None), "_initializing", False):
        return
    path = list(sys.path)
    # While it runs too: it may look for the one that it hides in turn.
    sys.path[:] = [entry for entry in path if not _starts_telemetry(entry)]
    try:
        _run_next()
    except Exception as error:
        announce.once(f"the hidden sitecustomize failed: {type(error).__name__}: {error}")
    finally:
        sys.path[:] = path
        sys.modules[_NAME] = running


def _starts_telemetry(entry: str) -> bool:
    directory = os.path.abspath(entry or ".")
    return directory.endswith(_OPENTELEMETRYS) or directory == bootstrap.DIRECTORY


def _run_next() -> None:
    spec = PathFinder.find_spec(_NAME, sys.path)
    if spec is None or spec.loader is None:
        return
    hidden = module_from_spec(spec)
    sys.modules[_NAME] = hidden
    spec.loader.exec_module(hidden)
