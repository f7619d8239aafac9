"""The environments' locks are whole, and what is said of LiteLLM's versions is what is tested."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from litellm_otel.instrumentor import LiteLLMInstrumentor
from tests.environments import ENVIRONMENTS
from tests.environments.building import LOCKS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
MALICIOUS = {"1.82.7", "1.82.8"}


def locked(name: str) -> list[Requirement]:
    """What an environment's lock pins."""
    lines = (LOCKS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if not line.startswith(" ")]


def version_in(name: str, package: str) -> str:
    """The version an environment has of a package."""
    python = f"{ENVIRONMENTS[name].python}.0"
    for pinned in locked(name):
        marker = pinned.marker
        if pinned.name == package and (
            marker is None or marker.evaluate({"python_full_version": python})
        ):
            return str(pinned.specifier).removeprefix("==")
    raise AssertionError(f"{name} has no {package}")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_lock_is_whole(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8")
    pins = locked(name)
    assert all(str(pinned.specifier).startswith("==") for pinned in pins)
    assert len(re.findall(r" \\\n    --hash=", text)) >= len(pins)
    assert "://" not in text
    assert not re.search(r"^-", text, re.M)
    wanted = {Requirement(line).name for line in ENVIRONMENTS[name].requirements}
    assert wanted <= {pinned.name for pinned in pins}
    assert not MALICIOUS & {str(p.specifier)[2:] for p in pins if p.name == "litellm"}


def test_no_lock_without_an_environment() -> None:
    assert {path.stem for path in LOCKS.glob("*.txt")} == set(ENVIRONMENTS)


def test_the_oldest_that_is_declared_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extra,) = project["optional-dependencies"]["instruments"]
    (instrumented,) = LiteLLMInstrumentor().instrumentation_dependencies()
    for declared in (Requirement(extra), Requirement(instrumented)):
        assert declared.name == "litellm"
        lower = [s.version for s in declared.specifier if s.operator == ">="]
        assert [Version(version) for version in lower] == [
            Version(version_in("litellm-oldest", "litellm"))
        ]
        assert {s.version for s in declared.specifier if s.operator == "!="} == MALICIOUS


def test_the_documented_table() -> None:
    page = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    rows = [
        f"| {version_in(name, 'litellm')} | {environment.python} | {version_in(name, 'fastapi')} |"
        for name, environment in ENVIRONMENTS.items()
        if name.startswith("litellm-")
    ]
    table = "\n".join(("| LiteLLM | Python | FastAPI |", "|---|---|---|", *rows, ""))
    assert table in page, f"docs/versions.md is to have:\n{table}"
