"""The interpreter ends in the middle of a call: what was under way is told of nevertheless, as cancelled."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.calls.endings import ASYNC, SDK, STREAMED, SYNC, WHOLE
from tests.component.calls.shapes import Shape, shape
from tests.component.calls.test_endings import Row
from tests.component.otlp_sink import Sink
from tests.component.programs import run_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stack.standins.provider import Provider

PROGRAM = """
import asyncio, os, signal, sys, threading, time
import litellm

GIVEN = dict(
    model="openai/gpt-4o@{behaviour}", messages=[dict(role="user", content="a question")],
    api_base="{base}", api_key="sk-unused-0123456789", max_retries=0, stream={stream},
)

def asked():
    while not os.path.exists("asked"):
        time.sleep(0.02)

def call():
    for _ in litellm.completion(**GIVEN):
        pass

async def acall():
    answer = await litellm.acompletion(**GIVEN)
    async for _ in answer:
        sys.exit(3)

def end_by_signal():
    asked()
    os.kill(os.getpid(), signal.SIGTERM)

{way}
"""
WAYS = {
    "end with a daemon at it": "threading.Thread(target=call, daemon=True).start()\nasked()",
    "SIGTERM": "threading.Thread(target=end_by_signal, daemon=True).start()\ncall()",
    "SIGTERM in a loop": (
        "threading.Thread(target=end_by_signal, daemon=True).start()\nasyncio.run(acall())"
    ),
    "exit by the consumer": "asyncio.run(acall())",
}
STATUS = {
    "end with a daemon at it": 0,
    "SIGTERM": -15,
    "SIGTERM in a loop": -15,
    "exit by the consumer": 3,
}


def row(way: str, twin: str, stream: bool, behaviour: str = "slow-60000ms") -> tuple[str, Row]:
    expected = Shape(f"chat gpt-4o@{behaviour}", "cancelled")
    return way, Row("interpreter exit", twin, stream, behaviour, "", (expected,), "cancelled", SDK)


EXITS = [
    row("end with a daemon at it", SYNC, WHOLE),
    row("SIGTERM", SYNC, STREAMED),
    row("SIGTERM in a loop", ASYNC, WHOLE),
    row("exit by the consumer", ASYNC, STREAMED, "slow-50ms"),
]
ROWS = [row for _, row in EXITS]


@pytest.fixture
def sink() -> Iterator[Sink]:
    started = Sink().start()
    yield started
    started.stop()


@pytest.mark.parametrize(("way", "row"), EXITS, ids=[way.replace(" ", "_") for way, _ in EXITS])
def test_exit(tmp_path: Path, provider: Provider, sink: Sink, way: str, row: Row) -> None:
    before = len(provider.calls)
    ended = threading.Event()

    def tell() -> None:
        while len(provider.calls) == before and not ended.wait(0.02):
            pass
        (tmp_path / "asked").touch()

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    program = PROGRAM.format(
        behaviour=row.behaviour, base=provider.base_url(), stream=row.stream, way=WAYS[way]
    )
    try:
        # As long as it takes on a busy machine.
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "LITELLM_OTEL_FLUSH_TIMEOUT": "60"}
        done = run_program(tmp_path, program, **env)
    finally:
        ended.set()
        teller.join()
    assert done.returncode == STATUS[way], done.stderr
    spans = [span for span in sink.spans if span.scope == "litellm_otel"]
    assert [shape(span.data.name, "CLIENT", span.attributes) for span in spans] == list(
        row.expected
    )
    asked_at = provider.calls[-1].at
    lasted = spans[0].data.end_time_unix_nano / 1e9 - asked_at
    assert -1.0 < lasted < 30.0
    counts: dict[str, Any] = {}
    for metric in sink.metrics:
        if metric.data.name == "litellm.requests":
            for point in metric.data.sum.data_points:
                labels = {pair.key: pair.value.string_value for pair in point.attributes}
                counts[labels["status"]] = point.as_double or point.as_int
    assert counts == {row.status: 1}
    (record,) = [item for item in sink.logs if item.data.event_name == "litellm.request"]
    assert record.attributes["litellm.outcome"] == "cancelled"
