"""What is compared: each signal by the shipped configuration, by parts of it, and by a plain one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

PLAIN: Final = "plain"
DISK: Final = "ours"
MEMORY: Final = "ours, queue in memory"
UNMASKED: Final = "ours, queue in memory, nothing masked"
VARIANTS: Final = (PLAIN, DISK, MEMORY, UNMASKED)


@dataclass(frozen=True)
class Case:
    """One signal on its way to one backend."""

    signal: str
    backend: str
    file: str
    """The shipped configuration for it, beside ``base``."""
    last: Sequence[str]
    """The exporters that hand over to the backend."""
    queues: Sequence[str]
    """The exporters that have a queue on disk."""
    plain: Mapping[str, Any]
    """Upstream's exporter, as its documentation has it."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    plain_processors: Mapping[str, Any] = field(default_factory=dict[str, Any])
    exact: bool = True
    """Whether the backend gets as many items as were sent: of deltas, the first is of nothing."""

    @property
    def name(self) -> str:
        return f"{self.signal} to {self.backend}"


CASES: Final = (
    Case(
        "traces",
        "an OTLP backend",
        "traces",
        last=["otlp_http/traces"],
        queues=["otlp_http/traces"],
        plain={"otlp_http": {"endpoint": "${env:BACKEND}"}},
        environment={"TRACES_OTLP_ENDPOINT": "{backend}"},
    ),
    Case(
        "logs",
        "Loki",
        "loki",
        last=["otlp_http/loki"],
        queues=["otlp_http/loki"],
        plain={"otlp_http": {"endpoint": "${env:BACKEND}/otlp"}},
        environment={"LOKI_OTLP_ENDPOINT": "{backend}/otlp"},
    ),
    Case(
        "metrics",
        "Prometheus",
        "prometheus",
        last=["prometheusremotewrite"],
        queues=["otlp_http/prometheus_queue"],
        plain={"prometheusremotewrite": {"endpoint": "${env:BACKEND}/api/v1/write"}},
        environment={"PROMETHEUS_REMOTE_WRITE_ENDPOINT": "{backend}/api/v1/write"},
    ),
    Case(
        "traces",
        "Datadog",
        "datadog",
        last=["otlp_http/datadog"],
        queues=["otlp_http/datadog", "otlp_http/datadog_metrics", "otlp_http/datadog_counts"],
        plain={"otlp_http": {"endpoint": "${env:BACKEND}", "compression": "zstd"}},
        environment={"DD_OTLP_ENDPOINT": "{backend}", "DD_API_KEY": "0" * 32},
    ),
    Case(
        "logs",
        "Datadog",
        "datadog",
        last=["otlp_http/datadog"],
        queues=["otlp_http/datadog", "otlp_http/datadog_metrics", "otlp_http/datadog_counts"],
        plain={"otlp_http": {"endpoint": "${env:BACKEND}", "compression": "zstd"}},
        environment={"DD_OTLP_ENDPOINT": "{backend}", "DD_API_KEY": "0" * 32},
    ),
    Case(
        "metrics",
        "Datadog",
        "datadog",
        last=["otlp_http/datadog_metrics", "otlp_http/datadog_counts"],
        queues=["otlp_http/datadog", "otlp_http/datadog_metrics", "otlp_http/datadog_counts"],
        plain={"otlp_http": {"endpoint": "${env:BACKEND}", "compression": "zstd"}},
        environment={"DD_OTLP_ENDPOINT": "{backend}", "DD_API_KEY": "0" * 32},
        plain_processors={"cumulativetodelta": None},
        exact=False,
    ),
)


def configurations(case: Case, variant: str, folder: Path) -> list[str | Path]:
    """What the collector is started with; files of our own are written to ``folder``."""
    if variant == PLAIN:
        return [_file(folder, variant, _plain(case))]
    files: list[str | Path] = ["base", case.file]
    if variant in (MEMORY, UNMASKED):
        off = {"exporters": {name: {"sending_queue": {"storage": None}} for name in case.queues}}
        files.append(_file(folder, "memory", off))
    if variant == UNMASKED:
        bare = {"processors": ["memory_limiter"]}
        pipelines = dict.fromkeys(("traces", "metrics", "logs"), bare)
        files.append(_file(folder, "unmasked", {"service": {"pipelines": pipelines}}))
    return files


def _plain(case: Case) -> dict[str, Any]:
    """As guides have it: a receiver, the batch processor, an exporter; and the collector's own metrics."""
    base: dict[str, Any] = yaml.safe_load(
        (Path(__file__).parents[2] / "collector/config/base.yaml").read_text(encoding="utf-8")
    )
    pipeline = {
        "receivers": ["otlp"],
        "processors": [*case.plain_processors, "batch"],
        "exporters": [*case.plain],
    }
    return {
        "receivers": {
            "otlp": {"protocols": {"http": {"endpoint": "${env:LITELLM_OTELCOL_HTTP_ENDPOINT}"}}}
        },
        "processors": {"batch": None, **case.plain_processors},
        "exporters": dict(case.plain),
        "extensions": {"health_check": {"endpoint": "${env:LITELLM_OTELCOL_HEALTH_ENDPOINT}"}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {case.signal: pipeline},
            "telemetry": {"metrics": base["service"]["telemetry"]["metrics"]},
        },
    }


def _file(folder: Path, name: str, content: Mapping[str, Any]) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path
