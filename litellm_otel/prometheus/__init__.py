"""The metrics of all processes of a start on one page, whichever of them is asked.

It is served at the exporter's own port (``OTEL_METRICS_EXPORTER=prometheus``) and at ``/metrics`` of the
proxy's (``LITELLM_OTEL_METRICS_ENDPOINT=true``). Each process asks the others for theirs when it is
scraped; the counts of those that are gone are in their ledgers. See docs/metrics-endpoint.md.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry import metrics

from litellm_otel import announce, lifecycle, workers
from litellm_otel.boundary import guarded
from litellm_otel.prometheus import families
from litellm_otel.prometheus.merging import add, merged
from litellm_otel.prometheus.own import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from litellm_otel.prometheus.exchange import Answering
    from litellm_otel.prometheus.families import Family
    from litellm_otel.prometheus.port import Port
    from litellm_otel.workers.meeting import Member

_here: Serving | None = None


def start(*, port: bool, endpoint: bool) -> None:
    """Give the meter provider a reader, and serve what it reads."""
    global _here
    provider: Any = metrics.get_meter_provider()
    if not hasattr(provider, "add_metric_reader"):
        announce.once(
            "/metrics is not served: the application has set up OpenTelemetry itself, without metrics"
        )
        return
    reader = Reader()
    provider.add_metric_reader(reader)
    _here = Serving(reader, port=port)
    _here.begin()
    if endpoint:
        from litellm_otel.prometheus import route

        lifecycle.on_fork(route.forget)
        registry = _here
        wrapt.when_imported("litellm.proxy.proxy_server")(
            lambda proxy_server: route.add_to(proxy_server, registry)
        )
    lifecycle.on_fork(_in_child)


def release() -> None:
    """This process supervises workers, which serve."""
    if _here is not None:
        _here.end()


def _in_child() -> None:
    if _here is not None:
        _here.after_fork()


class Serving:
    """What this process does for the page; for `prometheus_client`, a registry with everything on it."""

    def __init__(self, reader: Reader, *, port: bool) -> None:
        self._reader = reader
        self._wants_port = port
        self._member: Member | None = None
        self._answering: Answering | None = None
        self._port: Port | None = None
        self._scraping = threading.Lock()

    @guarded
    def begin(self) -> None:
        """Join the others."""
        try:
            from litellm_otel.prometheus.exchange import Answering
            from litellm_otel.prometheus.gone import SOCKET
            from litellm_otel.workers.meeting import LEDGER

            member = self._member = workers.join(LEDGER)
            self._answering = Answering(member.path(SOCKET), self._own_page)
        except (ImportError, OSError) as error:
            # No locks or no Unix sockets, as on Windows; or no directory to write to.
            announce.once(
                f"/metrics shows one process alone, as workers can't meet: {error};"
                " OTEL_METRICS_EXPORTER=otlp shows them all"
            )
        if self._wants_port:
            from litellm_otel.prometheus.port import Port

            member = self._member
            lock = member.directory / "port.lock" if member is not None else None
            self._port = Port(lock, self)
            self._port.start()

    @guarded
    def end(self) -> None:
        if self._port is not None:
            self._port.stop()
        if self._answering is not None:
            self._answering.stop()
        if self._member is not None:
            from litellm_otel.prometheus.gone import SOCKET

            self._member.hide(SOCKET)
        self._port = self._answering = self._member = None

    @guarded
    def after_fork(self) -> None:
        self._reader.after_fork()
        self._scraping = threading.Lock()
        if self._port is not None:
            self._port.forget()
        if self._answering is not None:
            self._answering.forget()
        self._port = self._answering = self._member = None
        self.begin()

    @guarded
    def _own_page(self) -> bytes:
        self._touch()
        return families.dump(self._reader.page())

    def collect(self) -> Iterable[Metric]:
        """Every metric of every process."""
        with self._scraping:
            live, counts = self._others() if self._member is not None else ([], {})
            live.append((os.getpid(), self._reader.page()))
        for family in merged(live, counts).values():
            yield _exposed(family)

    def _others(self) -> tuple[list[tuple[int, families.Page]], families.Page]:
        """The pages of the other live processes by their ids, and the counts of the rest.

        What goes wrong in here is the scraper's to know: without the others, counts would go back.
        """
        from litellm_otel.prometheus import exchange, gone
        from litellm_otel.workers.meeting import LEDGER

        member = self._member
        assert member is not None
        self._touch()
        sockets = [member.directory / f"{each}{gone.SOCKET}" for each in member.others(LEDGER)]
        answers = exchange.ask(sockets)
        settled = gone.settle(member, set(answers))
        counts = settled.page
        add(counts, settled.silent)
        return [
            (int(name.partition("-")[0]), page)
            for name, page in answers.items()
            # Unless it has died since, and is counted among those that are gone.
            if name not in settled.names
        ], counts

    def _touch(self) -> None:
        if self._member is not None:
            from litellm_otel.prometheus.gone import GONE, SOCKET

            self._member.touch(self._member.path(SOCKET), self._member.directory / GONE)

    def restricted_registry(self, names: list[str]) -> Any:
        """Those families alone, for ``?name[]=``."""
        from prometheus_client import CollectorRegistry

        registry = CollectorRegistry()
        chosen = [
            metric
            for metric in self.collect()
            if any(sample.name in names for sample in metric.samples)
        ]

        class Chosen:
            def collect(self) -> Iterable[Metric]:
                return chosen

        registry.register(Chosen())  # pyright: ignore[reportArgumentType]
        return registry


def _exposed(family: Family) -> Metric:
    from prometheus_client.core import Exemplar, Metric

    metric = Metric(family.name, family.help, family.type, family.unit)
    for (name, labels), sample in family.samples.items():
        exemplar = Exemplar(*sample.exemplar) if sample.exemplar is not None else None
        metric.add_sample(name, dict(labels), sample.value, exemplar=exemplar)
    return metric
