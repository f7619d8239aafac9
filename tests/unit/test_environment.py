from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
from pathlib import Path

import pytest

from litellm_otel import distro, environment, settings
from litellm_otel.process import is_helper, is_spawned

SOURCES = sorted(Path(environment.__file__).parent.rglob("*.py"))


def constants() -> dict[str, object]:
    return {name: value for name, value in vars(environment).items() if name.isupper()}


def test_only_one_option_is_added_to_opentelemetry_instrument() -> None:
    assert [name for name in dir(environment) if name.startswith("OTEL_")] == ["OTEL_CONFIG"]


def test_every_constant_has_a_docstring() -> None:
    body = ast.parse(inspect.getsource(environment)).body
    for statement, following in itertools.pairwise(body):
        if isinstance(statement, ast.Assign):
            assert isinstance(following, ast.Expr), ast.unparse(statement)
            assert isinstance(following.value, ast.Constant)


def test_every_variable_of_ours_is_declared_here_and_only_here() -> None:
    declared = set(constants().values())
    for path in SOURCES:
        if path.name == "environment.py":
            continue
        for name in re.findall(r'"(LITELLM_OTEL_[A-Z_]+[A-Z])"', path.read_text()):
            assert name in declared, f"{path.name}: {name}"


def test_every_variable_of_ours_is_read() -> None:
    names = [v for v in constants().values() if isinstance(v, str) and v.startswith("LITELLM_OTEL")]
    for name in names:
        _, problems = settings.load({name: "("})
        assert problems, f"{name} is declared, but any value will do for it"


@pytest.mark.parametrize(("name", "value"), distro.DEFAULTS)
def test_the_distros_defaults_are_values_it_would_accept(name: str, value: str) -> None:
    assert settings.load({name: value}) == (settings.Settings(), ())


def test_the_launcher_chooses_this_distro_unless_another_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OTEL_PYTHON_DISTRO", raising=False)
    monkeypatch.setenv("OTEL_PYTHON_CONFIGURATOR", "theirs")
    choose = environment._choose_distro
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest"])
    choose()
    assert "OTEL_PYTHON_DISTRO" not in environment.os.environ
    monkeypatch.setattr(sys, "argv", ["/venv/bin/opentelemetry-instrument", "litellm"])
    choose()
    assert environment.os.environ["OTEL_PYTHON_DISTRO"] == "litellm_otel"
    assert environment.os.environ["OTEL_PYTHON_CONFIGURATOR"] == "theirs"


@pytest.mark.parametrize(
    "argv",
    [
        ["python", "-c", "from multiprocessing.resource_tracker import main;main(5)"],
        ["python", "-X", "importtime", "-W", "ignore", "-m", "pip", "list"],
        ["python", "-m", "pip.__main__"],
        ["python", "-Es", "/usr/bin/pip", "install"],
        ["python", "/venv/bin/uv", "sync"],
        ["python", "/venv/bin/opentelemetry-instrument", "litellm"],
        ["python", "/venv/bin/ddtrace-run", "litellm"],
    ],
)
def test_helpers_are_told_by_their_command_line(argv: list[str]) -> None:
    assert is_helper(argv)


@pytest.mark.parametrize(
    "argv",
    [
        ["python"],
        ["python", "app.py", "-m", "pip"],
        ["python", "/venv/bin/litellm", "--config", "pip"],
        ["python", "-m", "pipeline"],
        ["python", "-c", "import litellm"],
        ["python", "-c", "from multiprocessing.spawn import spawn_main; spawn_main(5)", "--fork"],
        ["python", "-c", "from multiprocessing.forkserver import main; main(5)"],
    ],
)
def test_programs_and_their_workers_are_no_helpers(argv: list[str]) -> None:
    assert not is_helper(argv)


def test_spawned_workers_are_told_by_their_command_line() -> None:
    assert is_spawned(["python", "-c", "from multiprocessing...", "--multiprocessing-fork"])
    assert not is_spawned(["python", "app.py"])
