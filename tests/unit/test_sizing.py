"""What the collector's benchmark sends and what it makes of its rounds."""

from __future__ import annotations

import time

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.collector import report
from benchmarks.collector.cases import CASES, DISK, PLAIN
from benchmarks.collector.payload import BATCH, Body, Payload, batches, points, reports
from benchmarks.collector.rounds import Measured, Round
from stack.drill.load import Load

LOAD = Load("http://nowhere")


def test_spans_and_records_are_sent_in_full_batches_and_none_is_lost() -> None:
    captured = [
        LOAD.spans(range(start, start + size), {}, "").SerializeToString()
        for start, size in ((0, 3), (3, 2 * BATCH + 7), (3000, BATCH - 2))
    ]
    bodies = batches("traces", captured)
    sent = [
        [span.attributes[0].value.int_value for span in scope.spans]
        for body in bodies
        for group in ExportTraceServiceRequest.FromString(body.data).resource_spans
        for scope in group.scope_spans
    ]
    numbers = [number for each in sent for number in each]
    assert numbers == [*range(2 * BATCH + 10), *range(3000, 3000 + BATCH - 2)]
    assert all(0 < body.items <= BATCH for body in bodies)
    assert sum(body.items for body in bodies) == len(numbers)

    [body] = batches("logs", [LOAD.logs([1], {}, "").SerializeToString()] * 3)
    groups = ExportLogsServiceRequest.FromString(body.data).resource_logs
    assert len(groups) == body.items == 3
    assert {each.key for each in groups[0].resource.attributes} >= {"service.name"}


def test_a_report_is_of_each_process_and_of_the_present() -> None:
    bodies = reports(LOAD.metrics([1, 2], {}).SerializeToString())
    assert {body.items for body in bodies} == {3}
    before = time.time_ns()
    processes: set[str] = set()
    for body in bodies:
        [group] = ExportMetricsServiceRequest.FromString(body.now()).resource_metrics
        processes |= {
            attribute.value.string_value
            for attribute in group.resource.attributes
            if attribute.key == "service.instance.id"
        }
        for metric in group.scope_metrics[0].metrics:
            assert all(before <= point.time_unix_nano <= time.time_ns() for point in points(metric))
    assert len(processes) == len(bodies)


def test_the_tables() -> None:
    def measured(cpu: float) -> Measured:
        rounds = [Round(1000, cpu * scale, 1.0, 2.0, 8000, 0.1) for scale in (0.9, 1.0, 1.2)]
        return Measured(rounds, 100_000_000)

    text = report.tables(
        [(CASES[0], {PLAIN: measured(0.02), DISK: measured(0.05)})],
        {"traces": Payload("traces", [Body(b"x" * 1000, 2)], 4.0)},
    )
    assert (
        "| traces to an OTLP backend | plain | 20.0 (18.0 to 24.0) | 1 | 50,000 | 100 | 8 |" in text
    )
    assert "|  | ours | 50.0 (45.0 to 60.0) | 2.5 (2.5 to 2.5) | 20,000 | 100 | 8 |" in text
    assert "| traces | 4.0 a request | 500 | 0.5 million requests |" in text
    assert "A request, spans and records together: 200 µs of CPU." in text
