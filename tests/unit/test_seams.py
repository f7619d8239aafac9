"""Hooks go in when their module is imported, come out again, and are optional one by one."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest

from litellm_otel.hooks.seams import Seam, Seams


class Thing:
    def method(self) -> str:
        return "plain"


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    made = types.ModuleType("litellm_otel_test_module")
    made.function = lambda: "plain"  # type: ignore[attr-defined]
    made.Thing = type("Thing", (Thing,), {})  # type: ignore[attr-defined]
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def loud(present: object) -> object:
    return lambda *_: "loud"


def test_put_in_and_taken_out(module: types.ModuleType) -> None:
    seams = Seams(
        (Seam(module.__name__, "function", loud), Seam(module.__name__, "Thing.method", loud))
    )
    seams.install()
    assert module.function() == "loud"
    assert module.Thing().method() == "loud"
    assert set(seams.status.values()) == {"in force"}
    seams.remove()
    assert module.function() == "plain"
    assert module.Thing().method() == "plain"
    assert "method" not in vars(module.Thing)


def test_a_missing_target_is_told_and_harms_nobody(
    module: types.ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    seams = Seams(
        (
            Seam(module.__name__, "Thing.gone", loud),
            Seam(module.__name__, "Gone.method", loud, optional=True),
            Seam(module.__name__, "function", loud),
        )
    )
    seams.install()
    assert list(seams.status.values()) == ["missing", "absent", "in force"]
    (line,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert f"{module.__name__}:Thing.gone" in line.getMessage()
    seams.remove()


def test_a_target_may_have_had_other_names(module: types.ModuleType) -> None:
    seams = Seams((Seam(module.__name__, "Thing.run", loud, former=("Thing.go", "Thing.method")),))
    seams.install()
    assert seams.status == {f"{module.__name__}:Thing.run": "in force"}
    assert module.Thing().method() == "loud"
    seams.remove()
    assert module.Thing().method() == "plain"


def test_of_several_names_one_is_wrapped(module: types.ModuleType) -> None:
    module.old = module.function  # type: ignore[attr-defined]
    seams = Seams((Seam(module.__name__, "function", loud, former=("old",)),))
    seams.install()
    assert (module.function(), module.old()) == ("loud", "plain")
    seams.remove()


@pytest.mark.parametrize("error", [RuntimeError, AttributeError])
def test_a_wrapper_that_breaks_harms_nobody(
    module: types.ModuleType, error: type[Exception]
) -> None:
    def broken(present: object) -> object:
        raise error("broken")

    seams = Seams((Seam(module.__name__, "function", broken),))
    seams.install()
    assert module.function() == "plain"
    assert list(seams.status.values()) == ["failed"]


def test_what_is_not_there_can_be_made(module: types.ModuleType) -> None:
    seams = Seams((Seam(module.__name__, "Thing.__del__", loud, created=True),))
    seams.install()
    assert "__del__" in vars(module.Thing)
    seams.remove()
    assert "__del__" not in vars(module.Thing)


def test_waits_for_the_import() -> None:
    seams = Seams((Seam("litellm_otel_never_imported", "function", loud),))
    seams.install()
    assert list(seams.status.values()) == ["waiting"]
    seams.remove()
