"""What piled up in an outage goes out in requests that are taken, an answer of 500 loses nothing, and a
collector without memory is sent everything again."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import yaml
from aiohttp import web
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from stack.components.collector import Collector, Flavour
from stack.drill.gate import HANG, PASS, Gate
from stack.drill.load import GAUGE, ITEM, Load, post
from stack.paths import RunDirectory
from stack.standins.datadog import Datadog
from stack.standins.otlp import OtlpSink
from stack.waiting import until

KEY = "0123456789abcdef0123456789abcdef"
LARGE = 100_000
"""Bytes of an item."""


class Strict(OtlpSink):
    """Takes nothing over 4 MiB, which is the limit of most backends for traces."""

    def check_body(self, request: web.Request, body: bytes) -> web.Response | None:
        if len(body) > 4 * 2**20:
            return self.refused(request, 413, f"{len(body)} bytes when unpacked")
        return None


class LokiIntake(OtlpSink):
    logs_path = "/otlp/v1/logs"


class PrometheusIntake(OtlpSink):
    metrics_path = "/api/v1/otlp/v1/metrics"


def pile_up(collector: Collector, *, items: int, signals: tuple[str, ...]) -> None:
    """Items of a hundred kilobytes each, which don't get smaller by compression, twenty in a request."""
    load = Load(collector.endpoint)
    for start in range(0, items, 20):
        numbers = range(start, start + 20)
        extra = {"large": os.urandom(LARGE // 2).hex()}
        if "traces" in signals:
            post(collector.endpoint, "traces", load.spans(numbers, extra, "")).raise_for_status()
        if "logs" in signals:
            post(collector.endpoint, "logs", load.logs(numbers, extra, "")).raise_for_status()


def items(records: Any) -> set[int]:
    return {int(str(record.attributes[ITEM])) for record in list(records)}


def test_no_request_to_a_backend_for_traces_is_too_large(own_run: RunDirectory) -> None:
    with Strict() as backend, Gate("backend", backend.url) as gate:
        gate.mode = 503
        with Collector(
            run=own_run, configs=["base", "traces"], env={"TRACES_OTLP_ENDPOINT": gate.url}
        ) as collector:
            pile_up(collector, items=160, signals=("traces",))
            until(lambda: gate.seen[503] > 1, what="an attempt")
            gate.mode = PASS
            until(lambda: items(backend.spans) == set(range(160)), what="all")
            assert backend.failures == []
            assert max(map(len, backend.bodies)) > 2**20


@pytest.mark.timeout(900)  # the full flavour may have to be built first
@pytest.mark.parametrize(
    ("task", "flavour"),
    [("edge", "otelcol-litellm-core"), ("edge-fleet", "otelcol-litellm")],
)
def test_a_gateway_takes_what_piled_up_without_it(
    task: str, flavour: Flavour, own_run: RunDirectory
) -> None:
    """Its receiver refuses requests over 16 MiB."""
    with OtlpSink() as backend:
        gateway = Collector(
            run=own_run,
            configs=["base", "forward"],
            env={"GATEWAY_OTLP_ENDPOINT": backend.url},
            name="gateway",
        )
        where = {
            "edge": {"GATEWAY_OTLP_ENDPOINT": gateway.endpoint},
            "edge-fleet": {
                "GATEWAY_DNS_NAME": "localhost",
                "GATEWAY_DNS_PORT": gateway.grpc_endpoint.rpartition(":")[2],
                "GATEWAY_PLAINTEXT": "true",
            },
        }[task]
        with Collector(
            run=own_run, flavour=flavour, configs=[f"task:{task}"], env=where, name="edge"
        ) as edge:
            pile_up(edge, items=240, signals=("traces", "logs"))
            until(lambda: "Exporting failed" in edge.log, what="an attempt")
            with gateway:
                wanted = set(range(240))
                until(
                    lambda: items(backend.spans) == items(backend.logs) == wanted,
                    what="all spans and records",
                    timeout=90,
                )
                assert "Dropping data" not in edge.log + gateway.log


def test_what_a_backend_answers_500_to_is_sent_again(own_run: RunDirectory) -> None:
    """To OTLP that answer is final, and what it was for would leave the queue."""
    datadog, gateway = Datadog(api_key=KEY), OtlpSink()
    sinks = (LokiIntake(), PrometheusIntake(), OtlpSink(), datadog, gateway)
    with ExitStack() as life:
        gates = [
            life.enter_context(Gate(each.name, life.enter_context(each).url)) for each in sinks
        ]
        for gate in gates:
            gate.mode = 500
        loki, prometheus, traces, intake, beyond = (gate.url for gate in gates)
        collector = life.enter_context(
            Collector(
                run=own_run,
                configs=["base", "loki", "prometheus", "traces", "datadog", "forward"],
                loki=f"{loki}/otlp",
                datadog=intake,
                datadog_key=KEY,
                env={
                    "PROMETHEUS_OTLP_ENDPOINT": f"{prometheus}/api/v1/otlp",
                    "TRACES_OTLP_ENDPOINT": traces,
                    "GATEWAY_OTLP_ENDPOINT": beyond,
                },
            )
        )
        Load(collector.endpoint).send(range(1, 6))
        until(lambda: all(gate.seen[500] > 3 for gate in gates), what="attempts")
        for gate in gates:
            gate.mode = PASS

        def missing() -> dict[str, set[int]]:
            wanted = set(range(1, 6))
            arrived = {
                "logs at Loki": items(sinks[0].logs),
                "metrics at Prometheus": levels(sinks[1]),
                "traces": items(sinks[2].spans),
                **{
                    f"{signal} at {where}": found
                    for where, sink in (("Datadog", datadog), ("the gateway", gateway))
                    for signal, found in (
                        ("traces", items(sink.spans)),
                        ("logs", items(sink.logs)),
                        ("metrics", levels(sink)),
                    )
                },
            }
            return {what: wanted - found for what, found in arrived.items() if wanted - found}

        until(lambda: not missing(), what="everything")
        assert "it answered 500 Internal Server Error" in collector.log
        assert "Dropping data" not in collector.log


@pytest.mark.parametrize("store", ["hangs", "is not there"])
def test_remote_write_says_nothing_before_the_store_has(store: str, own_run: RunDirectory) -> None:
    """Its queue would take a last word at the end of its patience for the store's, and delete what it holds."""
    with Gate("store", "http://127.0.0.1") as gate:
        gate.mode = HANG
        if store == "is not there":
            gate.shut()
        with Collector(
            run=own_run, configs=["base", "prometheus"], prometheus=f"{gate.url}/api/v1/write"
        ) as collector:
            request = Load(collector.endpoint).metrics(range(5), {})
            queue = f"{collector.loopback_endpoint}/v1/metrics"
            given = {
                "content": request.SerializeToString(),
                "headers": {"Content-Type": "application/x-protobuf"},
            }
            for patience in (0.3, 1.0, 3.0):
                timeout = httpx.Timeout(30, read=patience)
                with pytest.raises(httpx.ReadTimeout):
                    httpx.post(queue, timeout=timeout, trust_env=False, **given)
            gate.mode = 204
            if store == "is not there":
                gate.open()
            assert httpx.post(queue, timeout=30, trust_env=False, **given).status_code == 200


def levels(sink: OtlpSink) -> set[int]:
    return {
        int(str(point.attributes[ITEM]))
        for metric in list(sink.metrics)
        if metric.name in (GAUGE, GAUGE.replace(".", "_"))
        for point in metric.points
    }


def test_a_collector_without_memory_is_sent_it_again(own_run: RunDirectory) -> None:
    """The SDK's exporter is told to come again, as long as there is no memory, and does."""

    def limit(mebibytes: int) -> str:
        limiter = {"limit_mib": mebibytes, "spike_limit_mib": 1, "check_interval": "100ms"}
        return yaml.safe_dump({"processors": {"memory_limiter": limiter}})

    little = own_run.write("memory.yaml", limit(2))
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("")
    spans = [tracer.start_span(f"span {number}") for number in range(5)]
    for span in spans:
        span.end()
    finished = [span for span in spans if isinstance(span, ReadableSpan)]
    assert len(finished) == 5
    with (
        OtlpSink() as backend,
        Collector(
            run=own_run,
            configs=["base", "traces", little],
            env={"TRACES_OTLP_ENDPOINT": backend.url},
        ) as collector,
        ThreadPoolExecutor() as threads,
    ):
        # It looks at its memory every now and then: what is sent before passes.
        until(
            lambda: post(collector.endpoint, "logs", Load("").logs([1], {}, "")).status_code == 503,
            what="a refusal",
        )
        exporter = OTLPSpanExporter(f"{collector.endpoint}/v1/traces", timeout=120)
        exported = threads.submit(exporter.export, finished)
        refused = re.compile(r"^otelcol_receiver_refused_spans_total\{.*\} [1-9]", re.M)
        until(lambda: refused.search(collector.metrics()), what="the spans to be refused")
        assert not exported.done()
        own_run.write("memory.yaml", limit(1000))
        collector.signal(signal.SIGHUP)
        assert exported.result(timeout=120) is SpanExportResult.SUCCESS
        until(lambda: len(backend.spans) == 5, what="the spans")
        assert {span.name for span in backend.spans} == {span.name for span in finished}
