"""How tools/build.py decides what to build, and that it builds once, atomically, and says why not."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tools import build
from tools.build import BINARIES, Binary, BuildError, binary, inputs_hash, version_of

ROOT = Path(__file__).resolve().parents[2]
SPEC = Binary(module="module", package=".", versioned_by="example.com/hello", minutes=1)
MAIN = 'package main\n\nvar version = "none"\n\nfunc main() { println("hello " + version) }\n'


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small Go module of its own in place of the repository, and an empty cache."""
    folder = tmp_path / "checkout" / "module"
    (folder / "hello").mkdir(parents=True)
    (folder / "go.mod").write_text(
        "module litellm-otel/hello\n\ngo 1.21\n\nrequire example.com/hello v1.2.3\n\n"
        "replace example.com/hello => ./hello\n"
    )
    (folder / "hello" / "go.mod").write_text("module example.com/hello\n\ngo 1.21\n")
    (folder / "main.go").write_text(MAIN)
    monkeypatch.setattr(build, "ROOT", folder.parent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spec = dataclasses.replace(SPEC, version_symbol="main.version", version_prefix="v")
    monkeypatch.setitem(BINARIES, "hello", spec)
    return folder


def test_builds_with_the_version_from_go_mod_and_then_takes_it_from_the_cache(
    module: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = binary("hello")
    done = subprocess.run([path], capture_output=True, text=True, check=True)
    assert done.stderr == "hello v1.2.3\n"
    assert path.parent.parent == build.cache_directory()
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "hello 1.2.3: building, about 1 min on 2 cores when nothing is cached"
    assert said[-1].startswith("hello 1.2.3: built in ")

    def no_build(*arguments: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(build, "_build", no_build)
    assert binary("hello") == path
    assert capsys.readouterr().err == ""


def test_two_processes_build_it_once(module: Path) -> None:
    script = (
        "import dataclasses, pathlib, sys; sys.path.insert(0, sys.argv[1]); from tools import build\n"
        "build.ROOT = pathlib.Path(sys.argv[2])\n"
        "build.BINARIES['hello'] = build.Binary('module', '.', 'example.com/hello', 1)\n"
        "print(build.binary('hello'))"
    )
    command = [sys.executable, "-c", script, str(ROOT), str(module.parent)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outcomes = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert [code for _, code in outcomes] == [0, 0, 0], outcomes
    assert len({out for (out, _), _ in outcomes}) == 1
    assert "".join(err for (_, err), _ in outcomes).count("built in") == 1


def test_a_failed_build_shows_why_and_leaves_nothing(module: Path) -> None:
    (module / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    with pytest.raises(BuildError, match=r"building hello in .*failed:\n(.*\n)*.*nonsense"):
        binary("hello")
    left = [path for path in build.cache_directory().iterdir() if path.suffix != ".lock"]
    assert left == []


def test_what_a_killed_build_left_is_in_nobodys_way(module: Path) -> None:
    path = binary("hello")
    partial = path.parent.with_name(f".{path.parent.name}.partial")
    path.unlink()
    path.parent.rmdir()
    partial.mkdir()
    (partial / "hello").write_text("half")
    assert binary("hello") == path
    assert not partial.exists()
    assert path.stat().st_size > 1000


def test_the_hash_is_of_what_decides_the_result(module: Path) -> None:
    def now(spec: Binary = SPEC, go_version: str = "go1.26 linux amd64") -> str:
        return inputs_hash(spec, go_version)

    first = now()
    assert now() == first
    assert now(dataclasses.replace(SPEC, minutes=7)) == first
    (module / "main_test.go").write_text("package main\n")
    (module / "README.md").write_text("hello\n")
    assert now() == first

    seen = {first, now(go_version="go1.27 linux amd64")}
    seen.add(now(dataclasses.replace(SPEC, tags=("fast",))))
    for name, text in (("main.go", MAIN + "\n"), ("go.sum", "x\n"), ("extra/a.go", "package a\n")):
        (module / name).parent.mkdir(exist_ok=True)
        (module / name).write_text(text)
        seen.add(now())
    ours = module.parent / "ours"
    ours.mkdir()
    (ours / "go.mod").write_text("module ours\n")
    seen.add(now(dataclasses.replace(SPEC, sources=("ours",))))
    assert len(seen) == 7


def test_sources_that_change_during_the_build_are_not_cached(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_build = build._build

    def changing_build(*arguments: object) -> None:
        really_build(*arguments)  # type: ignore[arg-type]
        (module / "main.go").write_text(MAIN + "\n// later\n")

    monkeypatch.setattr(build, "_build", changing_build)
    with pytest.raises(BuildError, match="hello: its sources changed while it was built"):
        binary("hello")
    assert not list(build.cache_directory().glob("hello-*"))


def test_without_go_one_line_says_which_is_needed(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"^hello needs Go 1\.21 or newer, and there is no `go`"):
        binary("hello")


def test_a_go_too_old_is_one_line(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_mod = module / "go.mod"
    go_mod.write_text(go_mod.read_text().replace("go 1.21", "go 9.99.9"))
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    with pytest.raises(BuildError) as raised:
        binary("hello")
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith("hello needs Go 9.99.9 or newer: this is go1.")
    assert message.endswith("install it from https://go.dev/dl/")


def test_a_download_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flaky = tmp_path / "go"
    flaky.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/once ] && exit 0\ntouch {tmp_path}/once\n"
        'echo "go: example.com/x@v1: dial tcp 127.0.0.1:1: i/o timeout" >&2\nexit 1\n'
    )
    flaky.chmod(flaky.stat().st_mode | stat.S_IXUSR)
    build._run_go("hello", [str(flaky)], tmp_path, dict(os.environ))
    assert "hello: a download failed, trying again" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(BINARIES))
def test_every_binary_is_declared_in_a_complete_module(name: str) -> None:
    spec = BINARIES[name]
    assert version_of(spec)[0].isdigit()
    go_mod = (ROOT / spec.module / "go.mod").read_text()
    assert (ROOT / spec.module / "go.sum").stat().st_size > 0
    if spec.package != ".":
        assert spec.package in go_mod
    for folder in spec.sources:
        assert (ROOT / folder / "go.mod").exists()


def test_an_unknown_name_is_one_line() -> None:
    with pytest.raises(BuildError, match="unknown binary 'grafana': choose from alertmanager, "):
        binary("grafana")


def test_the_command_refuses_an_unknown_name_and_prints_paths(
    module: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build.main(["hello"]) == 0
    assert Path(capsys.readouterr().out.strip()).name == "hello"
    with pytest.raises(SystemExit, match="2"):
        build.main(["grafana"])
    assert "grafana" in capsys.readouterr().err
