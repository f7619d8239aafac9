"""The collector distribution with its shipped, composable configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import httpx

from tools.build import binary

from ..paths import ROOT, RunDirectory
from ..ports import free_port
from ..service import Service, answers
from ..waiting import PATIENCE

CONFIGS = ROOT / "collector" / "config"
Flavour = Literal["otelcol-litellm", "otelcol-litellm-core"]


class Collector(Service):
    """A backend whose address or key is not given here is off, as it is for an operator.

    A configuration is named (``base``), a task (``task:gateway``) or a file of one's own.
    """

    def __init__(
        self,
        *,
        run: RunDirectory,
        flavour: Flavour = "otelcol-litellm-core",
        configs: Sequence[str | Path] = ("base", "prometheus", "loki", "datadog"),
        prometheus: str | None = None,
        loki: str | None = None,
        datadog: str | None = None,
        datadog_key: str | None = None,
        env: Mapping[str, str] | None = None,
        name: str = "collector",
    ) -> None:
        ports = {use: free_port() for use in ("grpc", "http", "health", "metrics", "loopback")}
        self.endpoint = f"http://127.0.0.1:{ports['http']}"
        self.grpc_endpoint = f"http://127.0.0.1:{ports['grpc']}"
        self.health_url = f"http://127.0.0.1:{ports['health']}/"
        self.metrics_address = f"127.0.0.1:{ports['metrics']}"
        self.loopback_endpoint = f"http://127.0.0.1:{ports['loopback']}"
        settings = {
            "LITELLM_OTELCOL_GRPC_ENDPOINT": f"127.0.0.1:{ports['grpc']}",
            "LITELLM_OTELCOL_HTTP_ENDPOINT": f"127.0.0.1:{ports['http']}",
            "LITELLM_OTELCOL_HEALTH_ENDPOINT": f"127.0.0.1:{ports['health']}",
            "LITELLM_OTELCOL_LOOPBACK_ENDPOINT": f"127.0.0.1:{ports['loopback']}",
            "LITELLM_OTELCOL_METRICS_HOST": "127.0.0.1",
            "LITELLM_OTELCOL_METRICS_PORT": str(ports["metrics"]),
            "LITELLM_OTELCOL_CONFIG_DIRECTORY": str(CONFIGS),
            "LITELLM_OTELCOL_STORAGE_DIRECTORY": str(run.subfolder(f"{name}/storage")),
            "PROMETHEUS_REMOTE_WRITE_ENDPOINT": prometheus,
            "LOKI_OTLP_ENDPOINT": loki,
            "DD_OTLP_ENDPOINT": datadog,
            "DD_API_KEY": datadog_key,
            **(env or {}),
        }
        super().__init__(
            name,
            [binary(flavour), *config_flags(configs)],
            run=run,
            env={key: value for key, value in settings.items() if value is not None},
            ready=answers(self.health_url),
            ready_within=PATIENCE,
            grace=30.0,
        )

    def metrics(self) -> str:
        """Its own, as Prometheus would scrape them."""
        url = f"http://{self.metrics_address}/metrics"
        return httpx.get(url, timeout=30.0, trust_env=False).text


def config_flags(configs: Sequence[str | Path]) -> list[str]:
    """The flags that name the configurations on a command line."""
    flags: list[str] = []
    for config in configs:
        if isinstance(config, str) and not config.startswith("task:"):
            config = CONFIGS / f"{config}.yaml"
        flags += ["--config", str(config)]
    return flags
