"""What a release consists of, made of the core flavour, and the image and the unit beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from collector.generate import FLAVOURS, flavour_manifest
from stack.paths import ROOT
from tools import release
from tools.build import BINARIES, BuildError, binary

COLLECTOR = ROOT / "collector"
UNIT = COLLECTOR / "packaging" / "otelcol-litellm.service"
CONFIGS = sorted((COLLECTOR / "config").rglob("*.yaml"))
SOURCES = BINARIES["otelcol-litellm-core"].sources
STEM = f"otelcol-litellm-core_{release.version()}_linux_amd64"
INSTALLED = {
    "/usr/bin/otelcol-litellm": 0o755,
    "/usr/lib/systemd/system/otelcol-litellm.service": 0o644,
    "/etc/otelcol-litellm/otelcol-litellm.env": 0o600,
    "/usr/share/doc/otelcol-litellm/collector.md": 0o644,
    "/usr/share/doc/otelcol-litellm/copyright": 0o644,
    "/usr/share/doc/otelcol-litellm/sbom.cdx.json": 0o644,
    **{f"/etc/otelcol-litellm/{path.relative_to(COLLECTOR / 'config')}": 0o644 for path in CONFIGS},
}


def make(output: Path, *options: str) -> Path:
    arguments = ["--flavour", "core", "--arch", "amd64", "--output", str(output), *options]
    assert release.main(arguments) == 0
    return output


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("release") / "dist")


def test_it_is_complete(dist: Path) -> None:
    assert {path.name for path in dist.iterdir()} == {
        "SHA256SUMS",
        *(f"{STEM}.{kind}" for kind in ("cdx.json", "deb", "rpm", "tar.gz")),
    }
    assert release.version() == yaml.safe_load(flavour_manifest("full", "."))["dist"]["version"]


def test_checksums_verify_and_tell_a_change(dist: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(dist, tmp_path / "copy")
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 4
    with (copy / f"{STEM}.deb").open("ab") as file:
        file.write(b"x")
    assert subprocess.run(check, cwd=copy, capture_output=True).returncode != 0


def test_the_same_sources_make_the_same_bytes_and_signing_is_one_command(
    dist: Path, tmp_path: Path
) -> None:
    again = make(tmp_path / "again", "--sign", "cp {} {}.sig")
    assert (again / "SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()
    names = {path.name for path in again.iterdir()}
    assert names == {name for path in dist.iterdir() for name in (path.name, f"{path.name}.sig")}


def test_a_failing_signature_is_a_failing_release(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="false failed"):
        release.sign("false {}", tmp_path)


@pytest.mark.timeout(900)
def test_the_binary_is_the_same_wherever_it_is_built(tmp_path: Path) -> None:
    """Built in another folder, from other copies, by the command that the Dockerfile has too."""
    sources = [BINARIES["otelcol-litellm-core"].module, *SOURCES]
    for source in sources:
        shutil.copytree(ROOT / source, tmp_path / source)
    [line] = re.findall(r"CGO_ENABLED=0 (go build .+) -o", (COLLECTOR / "Dockerfile").read_text())
    command = line.replace('-ldflags="-s -w"', "-ldflags=-s\t-w").split(" ")
    command = [part.replace("\t", " ") for part in command]
    done = subprocess.run(
        [*command, "-o", tmp_path / "built", "."],
        cwd=tmp_path / sources[0],
        env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "built").read_bytes() == binary("otelcol-litellm-core").read_bytes()


def test_the_deb_installs_what_it_should(dist: Path, tmp_path: Path) -> None:
    deb = dist / f"{STEM}.deb"
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path / "root"], check=True)
    listing = subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True, check=True)
    found = {
        line.split()[-1].removeprefix("."): line[:10]
        for line in listing.stdout.splitlines()
        if line[0] != "d"
    }
    assert set(found) == set(INSTALLED)
    assert all("root/root" in line for line in listing.stdout.splitlines())
    for path, mode in INSTALLED.items():
        assert (tmp_path / f"root{path}").stat().st_mode & 0o777 == mode
    subprocess.run(["dpkg-deb", "--control", deb, tmp_path / "control"], check=True)
    conffiles = (tmp_path / "control" / "conffiles").read_text().splitlines()
    assert set(conffiles) == {path for path in INSTALLED if path.startswith("/etc/")}
    control = (tmp_path / "control" / "control").read_text()
    assert "Package: otelcol-litellm-core\n" in control
    assert "Conflicts: otelcol-litellm\n" in control
    # What it installs works: the task that its settings name is there and complete.
    root = tmp_path / "root"
    settings = dict(
        line.split("=", 1)
        for line in (root / "etc/otelcol-litellm/otelcol-litellm.env").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    options = settings.pop("OTELCOL_OPTIONS").split()
    done = subprocess.run(
        [root / "usr/bin/otelcol-litellm", "validate", *options],
        env={
            **settings,
            "LITELLM_OTELCOL_CONFIG_DIRECTORY": str(root / "etc/otelcol-litellm"),
            "LITELLM_OTELCOL_STORAGE_DIRECTORY": str(tmp_path / "storage"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_rpm_installs_the_same(dist: Path) -> None:
    header = rpm_header((dist / f"{STEM}.rpm").read_bytes())
    names, folders = header[1117], header[1118]
    files = {
        str(folders[index]) + str(name): mode & 0o777
        for index, name, mode in zip(header[1116], names, header[1030], strict=True)
        if mode & 0o170000 == 0o100000
    }
    assert files == INSTALLED
    assert header[1000] == ["otelcol-litellm-core"]
    assert header[1001] == [release.version()]


def test_the_archive_holds_everything_and_runs(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"{STEM}.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    root = tmp_path / STEM
    done = subprocess.run(
        [root / "otelcol-litellm-core", "validate", "--config", "task:datadog-direct"],
        env={
            "LITELLM_OTELCOL_CONFIG_DIRECTORY": str(root / "config"),
            "LITELLM_OTELCOL_STORAGE_DIRECTORY": str(tmp_path / "storage"),
            "DD_API_KEY": "0" * 32,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {"LICENSE", "README.md", "otelcol-litellm.service", "sbom.cdx.json"} <= {
        path.name for path in root.iterdir()
    }


def test_the_sbom_lists_every_module_of_the_binary(dist: Path) -> None:
    listed = json.loads((dist / f"{STEM}.cdx.json").read_text())
    assert listed["bomFormat"] == "CycloneDX"
    components = {(each["name"], each["version"]) for each in listed["components"]}
    done = subprocess.run(
        ["go", "version", "-m", binary("otelcol-litellm-core")],
        capture_output=True,
        text=True,
        check=True,
    )
    built = re.findall(r"^\tdep\t(\S+)\t(\S+)", done.stdout, re.M)
    ours = {f"litellm-otel/collector/{Path(each).name}" for each in SOURCES}
    assert len(built) > 200
    assert {each for each in built if each[0] not in ours} <= components
    assert ours == {name for name, _ in components if name.startswith("litellm-otel/collector/")}
    for section, entries in yaml.safe_load(flavour_manifest("core", ".")).items():
        if section in ("receivers", "processors", "exporters", "connectors", "extensions"):
            wanted = {tuple(entry["gomod"].split()) for entry in entries}
            assert {each for each in wanted if each[0] not in ours} <= components, section


# The unit and the image


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_one_that_systemd_takes_and_finds_confined(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/usr/bin/otelcol-litellm", str(binary("otelcol-litellm-core"))))
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert unit.name not in done.stderr
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-200:]


def test_the_unit_limits_memory_and_keeps_the_queues() -> None:
    settings = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.M))
    assert settings["StateDirectory"] == "otelcol-litellm"
    assert settings["MemoryMax"] == "1G"
    assert settings["Environment"] == "GOMEMLIMIT=820MiB"
    assert settings["DynamicUser"] == "yes"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_image_is_built_from_what_is_there(flavour: str) -> None:
    text = (COLLECTOR / "Dockerfile").read_text(encoding="utf-8").replace("${FLAVOUR}", flavour)
    copied = re.findall(r"^COPY (?!--from)(\S+) ", text, re.M)
    sources = {Path(each).name for each in SOURCES}
    assert set(copied) == {flavour, "config", *sources}
    for each in copied:
        assert (COLLECTOR / each).is_dir()
    final = text.split("FROM scratch")[1]
    assert "USER 10001:10001" in final
    assert "RUN" not in final
    command = json.loads(re.search(r"^CMD (\[.*?\])", final, re.M | re.S)[1].replace("\\\n", ""))  # type: ignore[index]
    for flag in command:
        path = flag.removeprefix("--config=/etc/otelcol-litellm/")
        assert (COLLECTOR / "config" / path).is_file()


def rpm_header(content: bytes) -> Mapping[int, list[int | str]]:
    """The tags of an rpm: its second header, after the lead and the padded signature."""
    _, end = _header(content, 96)
    tags, _ = _header(content, (end + 7) // 8 * 8)
    return tags


def _header(content: bytes, start: int) -> tuple[dict[int, list[int | str]], int]:
    magic, entries, size = struct.unpack_from(">8sII", content, start)
    assert magic[:4] == b"\x8e\xad\xe8\x01"
    store = start + 16 + 16 * entries
    tags: dict[int, list[int | str]] = {}
    for index in range(entries):
        tag, kind, offset, count = struct.unpack_from(">IIII", content, start + 16 + 16 * index)
        at = store + offset
        if kind in (3, 4):
            width = {3: "H", 4: "I"}[kind]
            tags[tag] = list(struct.unpack_from(f">{count}{width}", content, at))
        elif kind in (6, 8, 9):
            tags[tag] = [
                part.decode() for part in content[at : store + size].split(b"\0", count)[:count]
            ]
    return tags, store + size
