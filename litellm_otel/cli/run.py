"""``litellm-otel run``: a program with its telemetry, in this very interpreter.

Unlike ``opentelemetry-instrument`` it does not depend on ``PYTHONPATH``, which ``python -I`` and
the like ignore. ``PYTHONPATH`` is set all the same, for the program's own children.
"""

from __future__ import annotations

import argparse
import os
import runpy
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wrapt

from litellm_otel import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DESCRIPTION = """\
Run a Python program with traces, metrics and logs of its LiteLLM calls.

PROGRAM is a command of this Python environment (litellm), a file (app.py), or -m and a module.
"""
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("program", metavar="PROGRAM", help="what to run; -m MODULE for a module")
    parser.add_argument(
        "arguments", metavar="ARGUMENTS", nargs=argparse.REMAINDER, help="passed on as they are"
    )


def parser(prog: str) -> argparse.ArgumentParser:
    """The command line that consists of nothing but a program to run."""
    made = argparse.ArgumentParser(
        prog=prog,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_arguments(made)
    return made


def add_to(commands: Any) -> None:
    """Add ``run`` to the subcommands."""
    _add_arguments(
        commands.add_parser(
            "run",
            help="run a program with its telemetry",
            description=DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )


def run(program: str, arguments: Sequence[str]) -> int:
    """Become `program`; returns only if it could not, or has ended."""
    _prepare_children()
    if program == "-m":
        if not arguments:
            return _fail("-m needs the name of a module", NOT_FOUND)
        sys.argv = list(arguments)
        bootstrap.start()
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        return 0
    path = shutil.which(program) or (program if os.path.isfile(program) else None)
    if path is None:
        return _fail(f"no such command or file: {program}", NOT_FOUND)
    if not _is_script_of_ours(Path(path)):
        return _become(path, arguments)
    sys.argv = [path, *arguments]
    sys.path[:0] = [str(Path(path).resolve().parent)]
    bootstrap.start()
    runpy.run_path(path, run_name="__main__")
    return 0


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"litellm-otel run: {message}\n")
    return status


def _become(path: str, arguments: Sequence[str]) -> int:
    bootstrap.choose_distro()
    try:
        os.execv(path, [path, *arguments])
    except OSError as error:
        return _fail(f"{path}: {error.strerror}", NOT_EXECUTABLE)


def _is_script_of_ours(path: Path) -> bool:
    """Whether this interpreter is the one that would run the file."""
    with path.open("rb") as stream:
        first = stream.readline(512)
    if not first.startswith(b"#!"):
        return path.suffix == ".py"
    words = first[2:].decode(errors="replace").split()
    interpreter = words[0] if words else ""
    if os.path.basename(interpreter) == "env":
        named = next((word for word in words[1:] if not word.startswith("-")), "")
        interpreter = shutil.which(named) or named
    if not os.path.basename(interpreter).startswith(("python", "pypy")):
        return False
    # Not resolved: a virtual environment's interpreter is a link to the one it was made with.
    return Path(interpreter).parent == Path(sys.executable).parent


def _prepare_children() -> None:
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [entry for entry in before if entry and entry != bootstrap.DIRECTORY]
    os.environ["PYTHONPATH"] = os.pathsep.join([bootstrap.DIRECTORY, *others])
    if sys.flags.ignore_environment:
        wrapt.when_imported("multiprocessing.spawn")(_start_in_spawned)


def _start_in_spawned(spawn: Any) -> None:
    # Workers inherit -I and -E, so their sitecustomize is not found either.
    def with_start(
        wrapped: Callable[..., list[str]], _: object, args: Any, kwargs: Any
    ) -> list[str]:
        command = wrapped(*args, **kwargs)
        if "-c" in command:
            place = command.index("-c") + 1
            command[place] = f"import litellm_otel.auto; {command[place]}"
        return command

    wrapt.wrap_function_wrapper(spawn, "get_command_line", with_start)
