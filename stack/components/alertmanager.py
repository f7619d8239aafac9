"""Alertmanager with the shipped routes, receivers and templates, paging the stand-ins."""

from __future__ import annotations

from typing import Any

import httpx

from alerting import configs
from tools.build import binary

from ..paths import RunDirectory
from ..ports import free_port
from ..service import Service, answers
from ..waiting import PATIENCE


class Alertmanager(Service):
    def __init__(
        self,
        *,
        run: RunDirectory,
        pagerduty_url: str,
        routing_key: str,
        slack_url: str,
        group_wait: str = "1s",
        group_interval: str = "2s",
        name: str = "alertmanager",
    ) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        secrets = run.subfolder(f"{name}/secrets")
        run.write(f"{name}/secrets/pagerduty_routing_key", routing_key)
        run.write(f"{name}/secrets/slack_api_url", slack_url)
        config = run.write(
            f"{name}/alertmanager.yml",
            configs.alertmanager(
                secrets=secrets,
                templates=configs.TEMPLATES,
                pagerduty_url=pagerduty_url,
                group_wait=group_wait,
                group_interval=group_interval,
            ),
        )
        super().__init__(
            name,
            [
                binary("alertmanager"),
                f"--config.file={config}",
                f"--storage.path={run.subfolder(f'{name}/data')}",
                f"--web.listen-address={self.address}",
                f"--web.external-url={self.url}",
                "--cluster.listen-address=",
            ],
            run=run,
            ready=answers(f"{self.url}/-/ready"),
            ready_within=PATIENCE,
        )

    def alerts(self) -> list[dict[str, Any]]:
        response = httpx.get(f"{self.url}/api/v2/alerts", timeout=10.0, trust_env=False)
        response.raise_for_status()
        return response.json()
