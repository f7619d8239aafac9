"""The canary: which of our hooks a LiteLLM version has no place for, held against what is known of it."""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING

from tests.versions.known import IN_FORCE, known_of

if TYPE_CHECKING:
    from tests.component.calls.recorded import Recorded


def test_each_hook_is_in_the_state_that_is_known(instrumented: Recorded) -> None:
    seams = instrumented.instrumentor._seams
    assert seams is not None
    names = [seam.name for seam in seams.seams]
    assert sorted(set(names)) == sorted(names), "two hooks at one place: one would not go in"

    version = metadata.version("litellm")
    known = known_of(version)
    gone = known.keys() - set(names)
    assert not gone, "the table tells of hooks that there are not"
    # Those that keep the peace with other instrumentations go into their modules, not LiteLLM's.
    modules = {name: name.partition(":")[0] for name in names if name.startswith("litellm.")}
    usable = {module for module in set(modules.values()) if _is_usable(module)}
    differences = [
        f"{name}: {seams.status[name]}, known as {known.get(name, IN_FORCE)}"
        for name, module in modules.items()
        if module in usable and seams.status[name] != known.get(name, IN_FORCE)
    ]
    assert not differences, "\n".join((f"LiteLLM {version}:", *differences))


def _is_usable(module: str) -> bool:
    """False where LiteLLM has the module, but what that is for is not installed."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        return error.name is not None and module.startswith(error.name)
    except Exception:
        return False
    return True
