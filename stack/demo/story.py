"""What happens in the demo, in order."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from tools.build import BuildError, binary

from .. import gateway
from ..arrivals import Arrivals
from ..components import Proxy
from ..components.collector import Flavour
from ..paths import RunDirectory
from ..running import Running, ending_on_signals
from ..service import ServiceFailed
from ..site import Backends, proxy_for, start_backends
from ..standins.otlp_records import Span
from ..traffic import Steady, Traffic, kinds, send
from ..waiting import NotInTime, until
from .checks import ALERT, Check, Evidence
from .report import PATH, Report
from .screen import Screen

# Failing requests are one of a kind: a rate knows no increase from a single one, so that nobody is
# paged before the outage, however slowly a machine works through the rest.
MIX = {
    kinds.WHOLE: 30,
    kinds.STREAMED: 16,
    kinds.TEXT: 6,
    kinds.EMBEDDING: 6,
    kinds.RETRIED: 4,
    kinds.FALLING_BACK: 4,
    kinds.BROKEN_OFF: 4,
    kinds.UNKNOWN_MODEL: 2,
    kinds.FAILING: 1,
    kinds.OUT_OF_QUOTA: 1,
}
OUTAGE = replace(kinds.WHOLE, name="during the outage")
BROKEN_ACCOUNT = "north"  # where the requests of `OUTAGE` go
PER_SECOND = 8.0


class Demo:
    def __init__(self, *, full: bool, once: bool, screen: Screen | None = None) -> None:
        self.full = full
        self.flavour: Flavour = "otelcol-litellm" if full else "otelcol-litellm-core"
        self.once = once
        self.screen = screen or Screen()
        self.report = Report(mode="full" if full else "core", started=time.time())

    def run(self) -> int:
        """The whole demo; the exit code is 0 if everything arrived."""
        try:
            with ending_on_signals(), Running(self._changed) as running:
                self._act(running)
        except KeyboardInterrupt:
            return 130 if self.once or not self.report.checks else self._exit_code()
        except (BuildError, ServiceFailed, NotInTime) as error:
            self.report.error = str(error)
            self.report.write()
            self.screen.console.print(str(error), style="red", markup=False)
        return self._exit_code()

    def _exit_code(self) -> int:
        return 0 if self.report.ok else 1

    def _act(self, running: Running) -> None:
        report, screen = self.report, self.screen
        self._build()
        run = RunDirectory("demo")
        with screen.step("start", "everything starts", report):
            backends = start_backends(running, run, flavour=self.flavour, with_loki=self.full)
            proxy = running.add(proxy_for(backends, run))
            running.await_ready()
        self._name_addresses(backends, proxy, run)
        with screen.step("traffic", f"{sum(MIX.values())} requests go through the proxy", report):
            traffic = send(proxy.url, proxy.gateway.master_key, MIX)
            running.ensure_running()
        traffic += self._outage(running, backends, proxy)
        report.traffic = traffic
        with screen.step("arrival", "everything that was sent has arrived", report):
            self._settle(Evidence(traffic, backends))
        self._collect(backends, traffic)
        report.write()
        screen.results(report)
        if not self.once:
            screen.addresses(report)
            screen.console.print("\n[bold]Ctrl-C[/] ends it all.")
            _until_interrupted()

    def _build(self) -> None:
        names = [self.flavour, "prometheus", "alertmanager", *(["loki"] if self.full else [])]
        started = time.monotonic()
        for name in names:
            binary(name)
        self.report.seconds["build"] = time.monotonic() - started

    def _outage(self, running: Running, backends: Backends, proxy: Proxy) -> Traffic:
        report, screen = self.report, self.screen
        pagerduty, slack, provider = backends.pagerduty, backends.slack, backends.provider

        def wait_for(what: str, happened: Callable[[], object]) -> None:
            """What doesn't happen is a cross in the table; a part that ends, the demo's end."""

            def check() -> object:
                running.ensure_running()
                return happened()

            screen.note(f"waiting for {what}")
            try:
                until(check, what=what, timeout=90.0)
            except NotInTime as error:
                screen.console.print(str(error), style="red", markup=False)

        steady = Steady(proxy.url, proxy.gateway.master_key, OUTAGE, per_second=PER_SECOND)
        try:
            with screen.step("page", "a provider fails, and somebody is paged", report):
                provider.switch(BROKEN_ACCOUNT, "unavailable")
                report.outage = time.time()
                wait_for("the page", lambda: pagerduty.of_alert(ALERT))
                wait_for("the message in Slack", lambda: slack.of_alert(ALERT))
            with screen.step("resolve", "the provider is back, and the page is resolved", report):
                provider.switch(BROKEN_ACCOUNT, "ok")
                wait_for(
                    "the resolve at PagerDuty",
                    lambda: any(e.action == "resolve" for e in pagerduty.of_alert(ALERT)),
                )
                wait_for(
                    "the resolve in Slack",
                    lambda: any("RESOLVED" in m.text for m in slack.of_alert(ALERT)),
                )
        finally:
            provider.switch(BROKEN_ACCOUNT, "ok")
            seen = steady.stop()
        return seen

    def _settle(self, evidence: Evidence) -> None:
        """Waits until all checks hold; those that don't in time are shown as they are."""

        def missing() -> list[Check]:
            return [check for check in evidence.checks() if not check.ok]

        with contextlib.suppress(NotInTime):
            until(lambda: not missing(), what="arrival", timeout=30.0, interval=0.3)

    def _collect(self, backends: Backends, traffic: Traffic) -> None:
        report = self.report
        report.checks = Evidence(traffic, backends).checks()
        report.spans_by_kind = dict(backends.datadog.spans_by_kind())
        report.trace = _example(backends, traffic)
        report.events = backends.pagerduty.of_alert(ALERT)
        report.messages = backends.slack.of_alert(ALERT)
        report.refusals = backends.refusals()

    def _name_addresses(self, backends: Backends, proxy: Proxy, run: RunDirectory) -> None:
        key_file = run.write("master-key", proxy.gateway.master_key)
        self.report.addresses = {
            "LiteLLM": f"{proxy.url}  (key: {key_file}, models: {gateway.CHAT}, "
            f"{gateway.WITH_FALLBACK}, {gateway.FAILING}, …)",
            "Prometheus": backends.prometheus.url,
            "Alertmanager": backends.alertmanager.url,
            **({"Loki": backends.loki.url} if backends.loki else {}),
            "Collector (OTLP)": backends.collector.endpoint,
            **{each.name: f"{each.url}/_standin/state" for each in backends.stand_ins()},
            "Logs": str(run.logs),
            "Report": str(PATH),
        }

    def _changed(self, name: str, state: str) -> None:
        if state == "ready":
            self.screen.note(f"{name} is ready")


def _example(backends: Backends, traffic: Traffic) -> list[Span]:
    """The spans of a request that fell back, found as an operator would: by its call id."""
    call_ids = {each.call_id for each in traffic.of(kinds.FALLING_BACK)}
    for record in Arrivals(backends).records:
        if record.attributes.get("litellm.call.id") in call_ids:
            return backends.datadog.trace(record.trace_id)
    return []


def _until_interrupted() -> None:
    """Waits for a signal, whose handler ends it with an exception."""
    while True:
        signal.pause()
