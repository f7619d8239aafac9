"""A whole site: the proxy, everything its telemetry goes to, and who gets paged."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from .components import Alertmanager, Collector, Loki, Prometheus, Proxy, Server
from .components.collector import Flavour
from .gateway import Gateway
from .paths import RunDirectory
from .running import Running
from .standins.datadog import Datadog
from .standins.pagerduty import PagerDuty
from .standins.provider import Provider
from .standins.slack import Slack


@dataclass(frozen=True)
class Timing:
    """Durations of the rules and of Alertmanager; ``None`` leaves what is shipped.

    The rules' form stays as it is, only shorter.
    """

    window: str | None = "10s"
    hold: str | None = "3s"
    interval: str | None = "1s"
    group_wait: str = "1s"
    group_interval: str = "2s"


@dataclass(frozen=True)
class Backends:
    """Everything but the proxy: what tests share between proxies."""

    provider: Provider
    pagerduty: PagerDuty
    slack: Slack
    datadog: Datadog
    prometheus: Prometheus
    alertmanager: Alertmanager
    collector: Collector
    loki: Loki | None

    def stand_ins(self) -> tuple[Provider, PagerDuty, Slack, Datadog]:
        return self.provider, self.pagerduty, self.slack, self.datadog

    def refusals(self) -> list[str]:
        """Everything a stand-in would not take, one line each."""
        return [
            f"{stand_in.name} {failure.path}: {failure.reason}"
            for stand_in in self.stand_ins()
            for failure in stand_in.failures
        ]


def start_backends(
    running: Running,
    run: RunDirectory,
    *,
    flavour: Flavour = "otelcol-litellm-core",
    with_loki: bool = False,
    timing: Timing | None = None,
) -> Backends:
    """Starts the parts without waiting for them."""
    timing = timing or Timing()
    routing_key, datadog_key = secrets.token_hex(16), secrets.token_hex(16)
    provider = running.add(Provider())
    pagerduty = running.add(PagerDuty(routing_keys=[routing_key]))
    slack = running.add(Slack(webhooks=[Slack.webhook]))
    datadog = running.add(Datadog(api_key=datadog_key))
    alertmanager = running.add(
        Alertmanager(
            run=run,
            pagerduty_url=pagerduty.enqueue_url,
            routing_key=routing_key,
            slack_url=slack.webhook_url,
            group_wait=timing.group_wait,
            group_interval=timing.group_interval,
        )
    )
    prometheus = running.add(
        Prometheus(
            run=run,
            alertmanager=alertmanager.address,
            window=timing.window,
            hold=timing.hold,
            interval=timing.interval,
        )
    )
    loki = running.add(Loki(run=run)) if with_loki else None
    collector = running.add(
        Collector(
            run=run,
            flavour=flavour,
            prometheus=prometheus.remote_write_url,
            loki=loki.otlp_endpoint if loki else None,
            datadog=datadog.url,
            datadog_key=datadog_key,
        )
    )
    return Backends(provider, pagerduty, slack, datadog, prometheus, alertmanager, collector, loki)


def proxy_for(
    backends: Backends,
    run: RunDirectory,
    *,
    server: Server = Server.UVICORN,
    workers: int = 1,
    env: Mapping[str, str] | None = None,
    name: str = "litellm",
    gateway: Gateway | None = None,
) -> Proxy:
    """A proxy that calls the provider stand-in and sends its telemetry to the collector."""
    return Proxy(
        gateway or Gateway(backends.provider.base_url),
        run=run,
        otlp_endpoint=backends.collector.endpoint,
        server=server,
        workers=workers,
        env=env,
        name=name,
    )
