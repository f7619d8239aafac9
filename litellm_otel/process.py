"""What kind of process this is, told from its command line: telemetry is not for helpers.

`sys.argv` does not exist yet when ``sitecustomize`` runs; `sys.orig_argv` does.
"""

from __future__ import annotations

import os
import sys

_TOOLS = frozenset(
    (
        "black",
        "ddtrace-run",
        "easy_install",
        "ensurepip",
        "mypy",
        "opentelemetry-bootstrap",
        "opentelemetry-instrument",
        "pip",
        "pip3",
        "pipx",
        "poetry",
        "pyright",
        "ruff",
        "uv",
        "uvx",
        "venv",
        "virtualenv",
    )
)
"""Programs, and modules run by ``-m``, that are never the application."""
_OPTIONS_WITH_VALUE = ("-W", "-X")


def is_helper(argv: list[str] | None = None) -> bool:
    """Whether this interpreter only serves another program: multiprocessing's tracker, pip, uv."""
    arguments = iter((sys.orig_argv if argv is None else argv)[1:])
    for argument in arguments:
        if argument == "-c":
            return "multiprocessing.resource_tracker" in next(arguments, "")
        if argument == "-m":
            return next(arguments, "").partition(".")[0] in _TOOLS
        if argument in _OPTIONS_WITH_VALUE:
            next(arguments, None)
        elif not argument.startswith("-"):
            return os.path.basename(argument).removesuffix(".exe") in _TOOLS
    return False


def is_spawned(argv: list[str] | None = None) -> bool:
    """Whether multiprocessing started this interpreter to be a worker."""
    return "--multiprocessing-fork" in (sys.orig_argv if argv is None else argv)
