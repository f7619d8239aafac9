"""Generates the sources of both flavours of the distribution from ``manifest.yaml``.

``python collector/generate.py`` writes ``collector/core`` and ``collector/full``; with ``--check``
it writes nothing and fails if what is there is not what the manifest says.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FLAVOURS = ("core", "full")
FULL_ONLY = re.compile(r"#\s*full$")
REQUIREMENT = re.compile(r"^(?:require )?\s*(\S+\.\S+/\S+|litellm-otel/\S+) (v\S+)", re.M)


def flavour_manifest(flavour: str, output_path: str) -> str:
    """The builder's manifest for one flavour: the one in the repository, less what it leaves out."""
    lines = (HERE / "manifest.yaml").read_text(encoding="utf-8").splitlines()
    if flavour != "full":
        lines = [line for line in lines if not FULL_ONLY.search(line)]
    text = "\n".join(lines) + "\n"
    if flavour != "full":
        text = re.sub(r"^(  name: \S+)$", rf"\1-{flavour}", text, flags=re.M)
        text = re.sub(r"^(  description: .+)$", rf"\1 ({flavour})", text, flags=re.M)
    extra = f"dist:\n  module: litellm-otel/collector/{flavour}\n  output_path: {output_path}\n"
    return text.replace("dist:\n", extra, 1)


def generate(flavour: str, output: Path) -> None:
    """Runs the OpenTelemetry Collector Builder for its sources only.

    Its own way to resolve modules, ``go mod tidy``, wants the components' test dependencies,
    some of which no module proxy has.
    """
    sys.path.insert(0, str(ROOT))
    from tools.build import binary

    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "manifest.yaml"
        manifest.write_text(flavour_manifest(flavour, str(output)), encoding="utf-8")
        command = [str(binary("ocb")), "--config", str(manifest)]
        command += ["--skip-compilation", "--skip-get-modules"]
        subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    for source in output.glob("*.go"):
        subprocess.run(["gofmt", "-w", str(source)], check=True)


def resolve(module: Path) -> None:
    """Completes go.mod and go.sum, for the build and not for the components' own tests.

    The checksum database lacks some of the modules; go.sum pins them from here on.
    """
    environment = {**os.environ, "GONOSUMDB": "*", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    subprocess.run(
        ["go", "mod", "tidy", "-e"], cwd=module, env=environment, stderr=subprocess.DEVNULL
    )
    environment["GOFLAGS"] = "-mod=readonly"
    subprocess.run(
        ["go", "list", "-deps", "."],
        cwd=module,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def drift(flavour: str, fresh: Path) -> list[str]:
    """What differs between the committed flavour and a freshly generated one."""
    problems = [
        f"collector/{flavour}/{source.name} is not what the manifest generates"
        for source in sorted(fresh.glob("*.go"))
        if source.read_bytes() != (HERE / flavour / source.name).read_bytes()
    ]
    committed = dict(REQUIREMENT.findall((HERE / flavour / "go.mod").read_text(encoding="utf-8")))
    generated = REQUIREMENT.findall((fresh / "go.mod").read_text(encoding="utf-8"))
    problems += [
        f"collector/{flavour}/go.mod has {name} {committed.get(name, '(missing)')},"
        f" the manifest {version}"
        for name, version in generated
        if committed.get(name) != version and "/koanf/" not in name
    ]
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare, and fail on drift")
    check = parser.parse_args(arguments).check
    problems: list[str] = []
    for flavour in FLAVOURS:
        if check:
            # Beside the committed one, as the paths in go.mod are relative.
            with tempfile.TemporaryDirectory(dir=HERE, prefix=".fresh-") as folder:
                generate(flavour, Path(folder))
                problems += drift(flavour, Path(folder))
        else:
            (HERE / flavour).mkdir(exist_ok=True)
            generate(flavour, HERE / flavour)
            resolve(HERE / flavour)
    for problem in problems:
        sys.stderr.write(f"{problem}: run python collector/generate.py\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
