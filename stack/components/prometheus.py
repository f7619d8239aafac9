"""Prometheus with the shipped configuration and rules, taking what the collector writes to it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from alerting import configs, rules
from tools.build import binary

from ..paths import RunDirectory
from ..ports import free_port
from ..service import Service, answers
from ..waiting import PATIENCE


class Prometheus(Service):
    """The shortened durations are those of the rules: ``window`` of every range, ``hold`` of every
    ``for``, ``interval`` of the evaluation; ``None`` leaves what is shipped.

    ``flags`` and ``changes`` of the configuration's top level come on top.
    """

    def __init__(
        self,
        *,
        run: RunDirectory,
        alertmanager: str | None = None,
        collector_metrics: str | None = None,
        window: str | None = None,
        hold: str | None = None,
        interval: str | None = "1s",
        flags: Sequence[str] = (),
        changes: Mapping[str, Any] | None = None,
        name: str = "prometheus",
    ) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.remote_write_url = f"{self.url}/api/v1/write"
        self.otlp_url = f"{self.url}/api/v1/otlp"
        rule_file = run.write(
            f"{name}/rules.yaml", rules.render(window=window, hold=hold, interval=interval)
        )
        text = configs.prometheus(
            rule_files=[rule_file],
            alertmanagers=[alertmanager] if alertmanager else [],
            targets={
                "prometheus": [],
                "alertmanager": [],
                "otelcol-litellm": [collector_metrics] if collector_metrics else [],
            },
            interval=interval,
        )
        if changes:
            text = yaml.safe_dump({**yaml.safe_load(text), **changes})
        config = run.write(f"{name}/prometheus.yml", text)
        super().__init__(
            name,
            [*self._argv(config, run.subfolder(f"{name}/data")), *flags],
            run=run,
            ready=answers(f"{self.url}/-/ready"),
            ready_within=PATIENCE,
        )

    def _argv(self, config: Path, data: Path) -> list[str | Path]:
        return [
            binary("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address={self.address}",
            f"--web.external-url={self.url}",
            "--web.enable-remote-write-receiver",
        ]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query: a list of ``{"metric": labels, "value": [t, text]}``."""
        return self._get("/api/v1/query", query=expression)["result"]

    def value(self, expression: str) -> float:
        """The value of a query that gives one series; not a number if it gives none."""
        result = self.query(expression)
        if len(result) > 1:
            raise ValueError(f"{expression} gives {len(result)} series, not one")
        return float(result[0]["value"][1]) if result else math.nan

    def total(self, counter: str, **labels: str) -> float:
        """A counter's sum over all processes that ever sent it, those that have ended too."""
        matchers = ",".join(f'{name}="{value}"' for name, value in labels.items())
        value = self.value(f"sum(max_over_time({counter}{{{matchers}}}[1h]))")
        return 0.0 if math.isnan(value) else value

    def series(self, matcher: str = '{__name__=~".+"}') -> list[dict[str, str]]:
        """The labels of every series stored so far."""
        return self._get("/api/v1/series", **{"match[]": matcher}, start=time.time() - 86_400)

    def exemplars(self, selector: str) -> list[dict[str, Any]]:
        """The exemplars of the last hour; they are stored with --enable-feature=exemplar-storage."""
        now = time.time()
        found = self._get("/api/v1/query_exemplars", query=selector, start=now - 3600, end=now + 60)
        return [each for series in found for each in series["exemplars"]]

    def alerts(self) -> list[dict[str, Any]]:
        return self._get("/api/v1/alerts")["alerts"]

    def _get(self, path: str, **params: Any) -> Any:
        response = httpx.get(self.url + path, params=params, timeout=30.0, trust_env=False)
        response.raise_for_status()
        return response.json()["data"]
