"""Makes what a release of the collector consists of: archives, deb, rpm, SBOMs and checksums.

``python tools/release.py`` fills ``dist/`` with both flavours for both architectures, of which
``--flavour`` and ``--arch`` choose. Building it twice from the same sources gives the same bytes.
Nothing is signed unless ``--sign`` names a command, in which ``{}`` stands for the file:

    python tools/release.py --sign 'cosign sign-blob --yes --bundle {}.sigstore.json {}'
    python tools/release.py --sign 'gpg --batch --armor --detach-sign {}'
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from collector.generate import flavour_manifest  # noqa: E402
from tools.build import BuildError, binary  # noqa: E402

BINARIES = {"core": "otelcol-litellm-core", "full": "otelcol-litellm"}
ARCHITECTURES = ("amd64", "arm64")
MAINTAINER = "litellm-otel <maintainers@litellm-otel.invalid>"
# What goes into an archive beside the binary: source and place.
BESIDE = {
    "LICENSE": "LICENSE",
    "docs/collector.md": "README.md",
    "collector/config": "config",
    "collector/packaging/otelcol-litellm.service": "otelcol-litellm.service",
    "collector/packaging/otelcol-litellm.env": "otelcol-litellm.env",
}
CHECKSUMS = "SHA256SUMS"


def version() -> str:
    """The distribution's version, as its manifest has it."""
    for line in flavour_manifest("full", ".").splitlines():
        key, _, value = line.strip().partition(": ")
        if key == "version":
            return value
    raise ValueError("collector/manifest.yaml: dist has no version")


def release(flavour: str, architecture: str, output: Path) -> None:
    """Makes the files of one flavour for one architecture."""
    # Go, and with it the cache of binaries, reads it from the environment.
    os.environ.update(GOOS="linux", GOARCH=architecture)
    try:
        built = binary(BINARIES[flavour])
    finally:
        del os.environ["GOOS"], os.environ["GOARCH"]
    stem = f"{BINARIES[flavour]}_{version()}_linux_{architecture}"
    sbom = output / f"{stem}.cdx.json"
    bill_of_materials(built, sbom)
    archive(built, output / f"{stem}.tar.gz", sbom, stem)
    for kind in ("deb", "rpm"):
        package(kind, flavour, architecture, built, sbom, output / f"{stem}.{kind}")


def bill_of_materials(built: Path, target: Path) -> None:
    """Every module that is in the binary, read from the binary itself."""
    command = [binary("cyclonedx-gomod"), "bin", "-json", "-noserial", "-notimestamp"]
    command += ["-version", f"v{version()}", "-output", target, built]
    _run(command)
    # Modules of our own are told by the folders they are replaced with.
    listed = json.loads(target.read_text(encoding="utf-8"))
    for component in listed["components"]:
        if component["name"].startswith("../"):
            component["name"] = f"litellm-otel/collector/{Path(component['name']).name}"
            component["version"] = f"v{version()}"
            component.pop("purl", None)
    target.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def archive(built: Path, target: Path, sbom: Path, folder: str) -> None:
    """A tar.gz of the binary and what belongs to it, the same bytes for the same contents."""
    wanted = {built: built.name, sbom: "sbom.cdx.json"}
    for source, place in BESIDE.items():
        path = ROOT / source
        files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        for file in files:
            inner = file.relative_to(path) if path.is_dir() else Path()
            wanted[file] = str(Path(place) / inner)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for file, place in wanted.items():
            entry = tarfile.TarInfo(f"{folder}/{place}")
            entry.size = file.stat().st_size
            entry.mtime = _epoch()
            entry.mode = 0o755 if file == built else 0o644
            with file.open("rb") as content:
                tar.addfile(entry, content)
    with target.open("wb") as out, gzip.GzipFile("", "wb", 6, out, mtime=0) as packed:
        packed.write(buffer.getbuffer())


def package(
    kind: str, flavour: str, architecture: str, built: Path, sbom: Path, target: Path
) -> None:
    """A deb or an rpm."""
    other = next(name for each, name in BINARIES.items() if each != flavour)
    settings = {
        "NAME": BINARIES[flavour],
        "OTHER": other,
        "ARCH": architecture,
        "VERSION": version(),
        "MAINTAINER": MAINTAINER,
        "BINARY": str(built),
        "SBOM": str(sbom),
        "SOURCE_DATE_EPOCH": str(_epoch()),
    }
    command = [binary("nfpm"), "package", "--config", "collector/packaging/nfpm.yaml"]
    _run([*command, "--packager", kind, "--target", target], settings)


def checksums(output: Path) -> Path:
    """One file that ``sha256sum --check`` reads."""
    target = output / CHECKSUMS
    lines = []
    for file in sorted(output.iterdir()):
        if file != target:
            lines.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
    target.write_text("".join(lines), encoding="utf-8")
    return target


def sign(command: str, output: Path) -> None:
    """Runs the command for each file there is."""
    for file in sorted(output.iterdir()):
        _run([part.replace("{}", str(file)) for part in shlex.split(command)])


def _epoch() -> int:
    """The time that files carry: SOURCE_DATE_EPOCH, or the last commit's."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    done = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True
    )
    return int(done.stdout) if done.returncode == 0 else 0


def _run(command: Sequence[str | Path], settings: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **(settings or {})},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        name = Path(str(command[0])).name
        raise BuildError(f"{name} failed: {(done.stderr or done.stdout).strip()}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools/release.py", description=__doc__)
    parser.add_argument("--flavour", action="append", choices=sorted(BINARIES))
    parser.add_argument("--arch", action="append", choices=ARCHITECTURES)
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    parser.add_argument("--sign", metavar="COMMAND", default="")
    options = parser.parse_args(arguments)
    output: Path = options.output.resolve()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        for flavour in options.flavour or BINARIES:
            for architecture in options.arch or ARCHITECTURES:
                release(flavour, architecture, output)
        checksums(output)
        if options.sign:
            sign(options.sign, output)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    for file in sorted(output.iterdir()):
        print(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
