"""Starts telemetry when an interpreter starts that has this folder on its ``PYTHONPATH``.

Then makes way for whichever ``sitecustomize`` this one hides.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _run_hidden() -> None:
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    path = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    spec = PathFinder.find_spec("sitecustomize", path)
    if spec is None or spec.loader is None:
        return
    hidden = module_from_spec(spec)
    sys.modules["sitecustomize"] = hidden
    spec.loader.exec_module(hidden)


def _start() -> None:
    try:
        from litellm_otel.process import is_helper

        if not is_helper():
            from litellm_otel.bootstrap import start

            start()
    except Exception as error:
        sys.stderr.write(f"litellm-otel: not started: {type(error).__name__}: {error}\n")


_start()
_run_hidden()
