"""Builds the Go binaries this project runs, once, into a cache shared by every checkout.

``python tools/build.py NAME...`` prints one path a line; ``binary("prometheus")`` returns it.
Each module's ``go.mod`` and complete ``go.sum`` are committed, so a build asks the module proxy
for sources and nobody for checksums.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GO_FILES = ("*.go", "go.mod", "go.sum")
# What a module proxy or the way to it says when asking again may help.
TRANSIENT = re.compile(
    r"i/o timeout|connection (?:reset|refused)|unexpected EOF|TLS handshake|no such host"
    r"|50[234] |429 |stream error",
)
COMMON_VERSION = "github.com/prometheus/common/version.Version"


@dataclasses.dataclass(frozen=True)
class Binary:
    """One binary: the module it is built in, what to build there and what that takes."""

    module: str
    package: str
    versioned_by: str
    """The requirement in go.mod whose version is the binary's own."""
    minutes: float
    """Cold, on two cores: nothing downloaded, nothing compiled."""
    version_symbol: str = ""
    version_prefix: str = ""
    tags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Folders of Go sources of our own that the module replaces requirements with."""


_PROMETHEUS = Binary(
    module="tools/prometheus",
    package="github.com/prometheus/prometheus/cmd/prometheus",
    versioned_by="github.com/prometheus/prometheus",
    minutes=3,
    version_symbol=COMMON_VERSION,
    # Service discovery of two dozen clouds is most of the build; static, file and http stay.
    tags=("remove_all_sd",),
)
_ALERTMANAGER = Binary(
    module="tools/alertmanager",
    package="github.com/prometheus/alertmanager/cmd/alertmanager",
    versioned_by="github.com/prometheus/alertmanager",
    minutes=1.5,
    version_symbol=COMMON_VERSION,
)
_COLLECTOR = Binary(
    module="collector/full",
    package=".",
    versioned_by="go.opentelemetry.io/collector/otelcol",
    minutes=10,
    sources=(
        "collector/deltaprocessor",
        "collector/nestinglimiterextension",
        "collector/retryextension",
        "collector/secretprovider",
        "collector/setupconverter",
        "collector/storagelimiterprocessor",
        "collector/taskprovider",
        "collector/valuelimiterprocessor",
    ),
)

BINARIES: dict[str, Binary] = {
    "alertmanager": _ALERTMANAGER,
    "amtool": dataclasses.replace(
        _ALERTMANAGER, package="github.com/prometheus/alertmanager/cmd/amtool"
    ),
    "compose-check": Binary(
        module="tools/compose-check",
        package=".",
        versioned_by="github.com/compose-spec/compose-go/v2",
        minutes=0.3,
    ),
    "cyclonedx-gomod": Binary(
        module="tools/cyclonedx-gomod",
        package="github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod",
        versioned_by="github.com/CycloneDX/cyclonedx-gomod",
        minutes=1,
    ),
    "helm": Binary(
        module="tools/helm",
        package="helm.sh/helm/v3/cmd/helm",
        versioned_by="helm.sh/helm/v3",
        minutes=2,
        version_symbol="helm.sh/helm/v3/internal/version.version",
        version_prefix="v",
    ),
    "kubeconform": Binary(
        module="tools/kubeconform",
        package="github.com/yannh/kubeconform/cmd/kubeconform",
        versioned_by="github.com/yannh/kubeconform",
        minutes=0.5,
        version_symbol="main.version",
        version_prefix="v",
    ),
    "loki": Binary(
        module="tools/loki",
        package="github.com/grafana/loki/v3/cmd/loki",
        versioned_by="github.com/grafana/loki/v3",
        minutes=5,
        version_symbol="github.com/grafana/loki/v3/pkg/util/build.Version",
    ),
    "nfpm": Binary(
        module="tools/nfpm",
        package="github.com/goreleaser/nfpm/v2/cmd/nfpm",
        versioned_by="github.com/goreleaser/nfpm/v2",
        minutes=1,
        version_symbol="main.version",
    ),
    "ocb": Binary(
        module="tools/ocb",
        package="go.opentelemetry.io/collector/cmd/builder",
        versioned_by="go.opentelemetry.io/collector/cmd/builder",
        minutes=0.5,
    ),
    "otelcol-litellm": _COLLECTOR,
    "otelcol-litellm-core": dataclasses.replace(_COLLECTOR, module="collector/core", minutes=3),
    "prometheus": _PROMETHEUS,
    "promtool": dataclasses.replace(
        _PROMETHEUS, package="github.com/prometheus/prometheus/cmd/promtool"
    ),
}


class BuildError(Exception):
    """A binary can't be had; the message is the one line to show."""


def binary(name: str) -> Path:
    """The path of the named binary, built first if the cache lacks it."""
    if name not in BINARIES:
        raise BuildError(f"unknown binary {name!r}: choose from {', '.join(sorted(BINARIES))}")
    spec = BINARIES[name]
    environment = _build_environment()
    go_version = _go_version(name, spec, environment)
    cache = cache_directory()
    target = cache / f"{name}-{inputs_hash(spec, go_version)}"
    path = target / name
    if path.exists():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    with _lock(cache / f".{target.name}.lock", name):
        if not path.exists():
            _build(name, spec, environment, target)
            if target.name != f"{name}-{inputs_hash(spec, go_version)}":
                shutil.rmtree(target)
                raise BuildError(f"{name}: its sources changed while it was built, run this again")
    return path


def cache_directory() -> Path:
    """Where finished binaries live."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "litellm-otel" / "bin"


def inputs_hash(spec: Binary, go_version: str) -> str:
    """A short hash of everything that decides what the build makes."""
    decisive = dataclasses.replace(spec, minutes=0)
    digest = hashlib.sha256(repr((decisive, go_version)).encode())
    for folder in (spec.module, *spec.sources):
        base = ROOT / folder
        for file in sorted(f for pattern in GO_FILES for f in base.rglob(pattern)):
            if not file.name.endswith("_test.go"):
                digest.update(f"\0{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def version_of(spec: Binary) -> str:
    """The version the binary is built at, without the leading ``v``."""
    text = (ROOT / spec.module / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"^\s*(?:require )?{re.escape(spec.versioned_by)} v(\S+)", text, re.M)
    if found is None:
        raise BuildError(f"{spec.module}/go.mod does not require {spec.versioned_by}")
    return found[1]


def _build_environment() -> dict[str, str]:
    """The caller's environment, less what would make the binary another one."""
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}


def _go_version(name: str, spec: Binary, environment: dict[str, str]) -> str:
    """The Go that will compile ``spec``; go itself fetches a newer one if go.mod wants it."""
    go_mod = (ROOT / spec.module / "go.mod").read_text(encoding="utf-8")
    wanted = re.findall(r"^go (\S+)", go_mod, re.M)[0]
    advice = "install it from https://go.dev/dl/"
    try:
        answer = subprocess.run(
            ["go", "env", "GOVERSION", "GOOS", "GOARCH"],
            cwd=ROOT / spec.module,
            env=environment,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise BuildError(
            f"{name} needs Go {wanted} or newer, and there is no `go` on PATH: {advice}"
        ) from None
    reason = (answer.stderr.strip().splitlines() or [f"exit status {answer.returncode}"])[-1]
    if answer.returncode == 0:
        found = " ".join(answer.stdout.split())
        if _numbers(found.split()[0]) >= _numbers(wanted):
            return found
        reason = f"this is {found.split()[0]}, and GOTOOLCHAIN=local keeps it from fetching another"
    raise BuildError(f"{name} needs Go {wanted} or newer: {reason}; {advice}")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


@contextlib.contextmanager
def _lock(path: Path, name: str) -> Iterator[None]:
    """Keeps a second process from building the same binary at the same time."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{name}: another process is building it, waiting for that")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(name: str, spec: Binary, environment: dict[str, str], target: Path) -> None:
    version = version_of(spec)
    workplace = target.parent / f".{target.name}.partial"
    shutil.rmtree(workplace, ignore_errors=True)  # what a build that was killed left
    workplace.mkdir()
    linker = "-s -w"
    if spec.version_symbol:
        linker += f" -X {spec.version_symbol}={spec.version_prefix}{version}"
    command = ["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false"]
    command += [f"-tags={','.join(spec.tags)}", f"-ldflags={linker}"]
    command += ["-o", str(workplace / name), spec.package]
    try:
        with _progress(f"{name} {version}", spec.minutes):
            _run_go(name, command, ROOT / spec.module, environment)
        workplace.replace(target)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _run_go(name: str, command: Sequence[str], cwd: Path, environment: dict[str, str]) -> None:
    """Runs the build, asking twice more where the network failed it."""
    for attempt in (1, 2, 3):
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
        if done.returncode == 0:
            return
        lines = [line for line in done.stderr.splitlines() if "go: downloading" not in line]
        reason = "\n  ".join(lines[-20:]) or f"exit status {done.returncode}"
        if attempt < 3 and TRANSIENT.search(reason):
            _say(f"{name}: a download failed, trying again ({lines[-1]})")
            continue
        raise BuildError(f"building {name} in {cwd} failed:\n  {reason}")


@contextlib.contextmanager
def _progress(what: str, minutes: float, every: float = 30) -> Iterator[None]:
    """Says what is being built, for how long it has been, and when it is done."""
    expected = f"about {minutes:g} min on 2 cores when nothing is cached"
    _say(f"{what}: building, {expected}")
    start, finished = time.monotonic(), threading.Event()

    def tick() -> None:
        while not finished.wait(every):
            _say(f"{what}: still building, {_elapsed(start)} of {expected}")

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
        _say(f"{what}: built in {_elapsed(start)}")
    finally:
        finished.set()
        ticker.join()


def _elapsed(start: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - start), 60)
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools/build.py", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", choices=sorted(BINARIES))
    for name in parser.parse_args(arguments).names:
        try:
            print(binary(name), flush=True)
        except BuildError as error:
            _say(str(error))
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
