"""JSON schemas for kubeconform, from what Kubernetes and the Prometheus operator publish.

kubeconform usually fetches schemas from the internet. Here they are made, once a version, from the
OpenAPI document in the Go module `k8s.io/kubernetes` and from the operator's resource definitions;
unknown fields are refused. They are kept in the user's cache, not in the repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.build import TRANSIENT

REFERENCE = "#/definitions/"
GROUPS_VERSIONS_KINDS = "x-kubernetes-group-version-kind"
# Definitions whose written form is wider than the one type that OpenAPI 2 lets them name.
WIDER = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}

Schema = dict[str, Any]


class _Loader(yaml.CSafeLoader):
    """Reads a bare `=`, which the operator's definitions list among the match types, as text."""


_Loader.add_constructor("tag:yaml.org,2002:value", yaml.CSafeLoader.construct_yaml_str)


@dataclass(frozen=True)
class Module:
    path: str
    version: str
    checksum: str

    def folder(self) -> Path:
        """Where the module's files are, fetched if need be and as they were when it was pinned."""
        answer, reason = self._download()
        for _ in range(2):
            if TRANSIENT.search(reason):  # the network failed it, not the module
                answer, reason = self._download()
        if reason:
            raise RuntimeError(f"cannot fetch {self.path}@{self.version}: {reason}")
        if answer["Sum"] != self.checksum:
            raise RuntimeError(f"{self.path}@{self.version} has checksum {answer['Sum']}")
        return Path(answer["Dir"])

    def _download(self) -> tuple[dict[str, Any], str]:
        """What Go says of the module, and why it could not be fetched."""
        environment = os.environ | {"GOFLAGS": "-mod=mod", "GOSUMDB": "off", "GOWORK": "off"}
        with tempfile.TemporaryDirectory() as outside_any_module:
            result = subprocess.run(
                ["go", "mod", "download", "-json", f"{self.path}@{self.version}"],
                cwd=outside_any_module,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        answer = json.loads(result.stdout) if result.stdout else {}
        failed = result.returncode or "Error" in answer
        return answer, (answer.get("Error") or result.stderr.strip()) if failed else ""


KUBERNETES = Module(
    "k8s.io/kubernetes",
    "v1.36.3",
    "h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o=",
)
OPERATOR = Module(
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
)


def location() -> str:
    """kubeconform's `-schema-location`, after making what is missing there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = f"kubernetes-schemas-{KUBERNETES.version}-{OPERATOR.version}"
    folder = cache / "litellm-otel" / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{name}.", dir=folder.parent) as temporary:
            unfinished = Path(temporary) / name
            unfinished.mkdir()
            for file_name, schema in [*_built_in(), *_custom()]:
                (unfinished / file_name).write_text(json.dumps(schema), encoding="utf-8")
            try:
                unfinished.rename(folder)
            except OSError:
                # Another run was faster; what it made is the same.
                if not folder.exists():
                    raise
    return f"{folder}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"


def _file_name(group: str, version: str, kind: str) -> str:
    parts = [kind, *group.split(".")[:1], version]
    return "-".join(part for part in parts if part).lower() + ".json"


def _built_in() -> Iterator[tuple[str, Schema]]:
    document = KUBERNETES.folder() / "api" / "openapi-spec" / "swagger.json"
    definitions: dict[str, Schema] = json.loads(document.read_text(encoding="utf-8"))["definitions"]
    for name, definition in definitions.items():
        definitions[name] = WIDER.get(name) or _strict(definition)
    for name, definition in definitions.items():
        if "metadata" not in definition.get("properties", {}):
            continue
        needed = _reachable(name, definitions)
        for kind in definition.get(GROUPS_VERSIONS_KINDS, []):
            yield (
                _file_name(kind["group"], kind["version"], kind["kind"]),
                {
                    "$ref": REFERENCE + name,
                    "definitions": {each: definitions[each] for each in sorted(needed)},
                },
            )


def _custom() -> Iterator[tuple[str, Schema]]:
    folder = OPERATOR.folder() / "example" / "prometheus-operator-crd"
    for path in sorted(folder.glob("*.yaml")):
        spec = yaml.load(path.read_text(encoding="utf-8"), _Loader)["spec"]
        for version in spec["versions"]:
            yield (
                _file_name(spec["group"], version["name"], spec["names"]["kind"]),
                _strict(version["schema"]["openAPIV3Schema"]),
            )


def _strict(node: Any) -> Any:
    """The same schema, with fields it doesn't name refused wherever it names any."""
    if isinstance(node, list):
        return [_strict(child) for child in node]
    if not isinstance(node, dict):
        return node
    strict = {key: _strict(value) for key, value in node.items()}
    is_open = node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in node
    if isinstance(node.get("properties"), dict) and not is_open:
        strict["additionalProperties"] = False
    return strict


def _reachable(name: str, definitions: dict[str, Schema]) -> set[str]:
    found: set[str] = set()
    pending = [name]
    while pending:
        current = pending.pop()
        if current not in found:
            found.add(current)
            pending.extend(_references(definitions[current]))
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(REFERENCE)
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _references(child)
