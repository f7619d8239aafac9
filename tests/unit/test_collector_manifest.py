"""The committed sources of both flavours of the collector are what the one manifest says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from collector.generate import FLAVOURS, REQUIREMENT, flavour_manifest
from tools.build import BINARIES

COLLECTOR = Path(__file__).resolve().parents[2] / "collector"
COMPONENTS = ("receivers", "processors", "exporters", "connectors", "extensions")
# What the builder adds to every distribution.
ADDED = {"otelcol", "service"}


def modules(flavour: str, *sections: str) -> dict[str, str]:
    """Module path and version of everything the manifest lists in the sections."""
    manifest = yaml.safe_load(flavour_manifest(flavour, "."))
    entries = [entry["gomod"] for section in sections for entry in manifest[section]]
    return dict(entry.split() for entry in entries)


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    return request.param


def test_go_mod_requires_exactly_what_the_manifest_lists(flavour: str) -> None:
    listed = modules(flavour, *COMPONENTS, "providers", "converters")
    text = (COLLECTOR / flavour / "go.mod").read_text(encoding="utf-8")
    direct = "\n".join(line for line in text.splitlines() if not line.endswith("// indirect"))
    required = dict(REQUIREMENT.findall(direct))
    assert {name: required.get(name) for name in listed} == listed
    surplus = {
        name
        for name in required
        if name not in listed and name.rsplit("/", 1)[-1] not in ADDED and factory(name)
    }
    assert surplus == set()


def test_the_sources_register_exactly_what_the_manifest_lists(flavour: str) -> None:
    components = imports(flavour, "components.go")
    assert {name for name in components if factory(name)} == set(modules(flavour, *COMPONENTS))
    main = imports(flavour, "main.go")
    wanted = set(modules(flavour, "providers", "converters"))
    assert {name for name in main if name in wanted or "/confmap/provider/" in name} == wanted


def test_versions_in_the_components_list_are_those_of_the_manifest(flavour: str) -> None:
    text = (COLLECTOR / flavour / "components.go").read_text(encoding="utf-8")
    registered = dict(re.findall(r'Type\(\): +"(\S+) (v\S+)"', text))
    assert registered == modules(flavour, *COMPONENTS)


def test_all_components_have_one_version() -> None:
    listed = {
        name: version
        for name, version in modules("full", *COMPONENTS).items()
        if not name.startswith("litellm-otel/")
    }
    odd = {name for name, version in listed.items() if version != "v0.152.0"}
    assert odd == {"go.opentelemetry.io/collector/connector/forwardconnector"}
    upstream = {
        version
        for name, version in modules("full", "providers").items()
        if not name.startswith("litellm-otel/")
    }
    assert upstream == {"v1.58.0"}


def test_core_is_full_without_the_heavy_ones() -> None:
    core, full = modules("core", *COMPONENTS), modules("full", *COMPONENTS)
    assert core.items() < full.items()
    left_out = {name.rsplit("/", 1)[-1] for name in full.keys() - core.keys()}
    assert left_out == {
        "datadogconnector",
        "datadogexporter",
        "hostmetricsreceiver",
        "k8sattributesprocessor",
        "loadbalancingexporter",
        "prometheusreceiver",
        "resourcedetectionprocessor",
    }


def test_the_names_tell_the_flavours_apart() -> None:
    names = [yaml.safe_load(flavour_manifest(each, "."))["dist"]["name"] for each in FLAVOURS]
    assert names == ["otelcol-litellm-core", "otelcol-litellm"]
    for each, name in zip(FLAVOURS, names, strict=True):
        assert f'Command:     "{name}"' in (COLLECTOR / each / "main.go").read_text()


OURS = [Path(folder).name for folder in BINARIES["otelcol-litellm"].sources]


@pytest.mark.parametrize("module", OURS)
@pytest.mark.parametrize(
    "command", [["gofmt", "-l", "."], ["go", "vet", "./..."], ["go", "test", "./..."]], ids=" ".join
)
def test_the_modules_of_our_own_are_in_order(command: list[str], module: str) -> None:
    done = subprocess.run(
        command,
        cwd=COLLECTOR / module,
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert command[0] != "gofmt" or done.stdout == ""


def imports(flavour: str, source: str) -> set[str]:
    text = (COLLECTOR / flavour / source).read_text(encoding="utf-8")
    block = re.search(r"^import \((.*?)^\)", text, re.M | re.S)
    assert block is not None
    return set(re.findall(r'"([^"]+)"', block[1]))


def factory(name: str) -> bool:
    """Whether a module is a component's, by the folder it is in upstream, or one of ours."""
    if name.startswith("litellm-otel/collector/") and name.endswith(("processor", "extension")):
        return True
    return re.search(r"/(receiver|processor|exporter|connector|extension)/.+", name) is not None
