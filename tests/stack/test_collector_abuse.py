"""What nobody should send: refused with the right status, without harm to the collector or to others' data."""

from __future__ import annotations

import gzip
import http.client
import random
import socket
import zlib
from collections import Counter
from collections.abc import Iterator

import httpx
import psutil
import pytest
import zstandard
from google.protobuf.json_format import MessageToJson

from stack.components.collector import Collector
from stack.drill.load import Load
from stack.paths import RunDirectory
from stack.standins.otlp import OtlpSink
from stack.waiting import until

PROTOBUF = "application/x-protobuf"
SIGNALS = ("traces", "metrics", "logs")
LIMIT = 16 * 2**20
"""Bytes of a request that the shipped configuration takes, as they are or unpacked."""
MEBIBYTE = 2**20
UNSPEAKABLE = "failed to marshal error message"
"""What the collector says with a status of 500 where its refusal quotes what is not UTF-8."""


class LokiIntake(OtlpSink):
    """Loki's OTLP endpoint, as far as the collector can tell."""

    name = "Loki"
    logs_path = "/otlp/v1/logs"


@pytest.fixture(scope="module")
def loki() -> Iterator[LokiIntake]:
    with LokiIntake() as sink:
        yield sink


@pytest.fixture(scope="module")
def collector(loki: LokiIntake) -> Iterator[Collector]:
    run = RunDirectory("collector-abuse")
    started = Collector(run=run, loki=f"{loki.url}/otlp")
    with started:
        yield started


@pytest.fixture(autouse=True)
def unharmed(collector: Collector, loki: LokiIntake) -> Iterator[None]:
    """Whatever happened, the same process is there, and takes what it should."""
    before = collector.pid
    yield
    assert collector.pid == before
    collector.ensure_running()
    loki.forget()
    load = Load(collector.endpoint)

    def taken() -> bool:
        # Again, as what was mutated and taken can make a backend refuse the batch it is in.
        load.send(range(1, 4))
        return any(log.body == "line 3" for log in loki.logs)

    until(taken, what="a log record at Loki", interval=1)


def send(
    collector: Collector,
    body: bytes,
    *,
    signal: str = "logs",
    kind: str = PROTOBUF,
    encoding: str = "",
    method: str = "POST",
) -> int:
    headers = {"Content-Type": kind, **({"Content-Encoding": encoding} if encoding else {})}
    url = f"{collector.endpoint}/v1/{signal}"
    response = httpx.request(
        method, url, content=body, headers=headers, timeout=60, trust_env=False
    )
    return response.status_code


def requests(signal: str) -> bytes:
    load = Load("")
    made = {"traces": load.spans, "logs": load.logs}
    if signal == "metrics":
        return load.metrics(range(20), {}).SerializeToString()
    return made[signal](range(20), {}, "").SerializeToString()


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"hello", "text/plain", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"\xff\xff\xff\xff", PROTOBUF, 400),
        (b'{"resourceLogs": [', "application/json", 400),
        (b'{"resourceLogs": 7, "resourceSpans": 7, "resourceMetrics": 7}', "application/json", 400),
    ],
    ids=["text", "form", "no protobuf", "half JSON", "wrong JSON"],
)
def test_not_otlp(collector: Collector, signal: str, body: bytes, kind: str, status: int) -> None:
    assert send(collector, body, signal=signal, kind=kind) == status


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "logs", 405), ("POST", "secrets", 404)]
)
def test_not_a_request_there_is(collector: Collector, method: str, path: str, status: int) -> None:
    assert send(collector, requests("logs"), signal=path, method=method) == status


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"x" * 1000)[:-12], "gzip"),
        (b"not compressed at all", "gzip"),
        (b"not compressed at all", "zstd"),
        (b"not compressed at all", "deflate"),
        (b"whatever", "br-and-then-some"),
    ],
    ids=["cut gzip", "no gzip", "no zstd", "no deflate", "unknown"],
)
def test_not_compressed_as_it_says(collector: Collector, body: bytes, encoding: str) -> None:
    assert send(collector, body, encoding=encoding) in {400, 415}


def test_more_than_the_limit(collector: Collector) -> None:
    assert send(collector, b"\0" * (LIMIT + 1)) in {400, 413}


def test_more_than_is_announced(collector: Collector) -> None:
    """A length of one gigabyte, and then nothing."""
    address = collector.endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.putrequest("POST", "/v1/logs")
    connection.putheader("Content-Type", PROTOBUF)
    connection.putheader("Content-Length", str(2**30))
    connection.endheaders(b"\0" * 1000)
    connection.close()


def test_half_a_request_is_not_waited_for_for_ever(collector: Collector) -> None:
    host, _, port = collector.endpoint.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST /v1/logs HTTP/1.1\r\nHost: here\r\nX-")
        assert connection.recv(1000)[:10] in {b"", b"HTTP/1.1 4"}  # and not a timeout of ours


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "deflate"])
@pytest.mark.parametrize("size", [LIMIT + 1, 1024 * MEBIBYTE], ids=["just above", "a gibibyte"])
def test_bomb(collector: Collector, encoding: str, size: int) -> None:
    bomb = packed(encoding, size)
    assert len(bomb) < MEBIBYTE * 2
    process = psutil.Process(collector.pid)
    before = process.memory_info().rss
    assert send(collector, bomb, encoding=encoding) in {400, 413}
    assert process.memory_info().rss - before < 200 * MEBIBYTE


def packed(encoding: str, size: int) -> bytes:
    """So many zeros, compressed a piece at a time."""
    piece = b"\0" * MEBIBYTE
    if encoding == "zstd":
        packer: zstandard.ZstdCompressionObj | zlib._Compress = (
            zstandard.ZstdCompressor().compressobj()
        )
    else:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    pieces = [packer.compress(piece) for _ in range(size // MEBIBYTE)]
    return b"".join([*pieces, packer.compress(b"\0" * (size % MEBIBYTE)), packer.flush()])


DEEP = 1_300_000
"""Lists within each other, of which a request of the limit has room for so many."""


@pytest.mark.parametrize(
    ("signal", "depth", "status"),
    [
        ("logs", 400, 200),
        ("traces", 400, 200),
        ("logs", 100_000, 400),
        ("traces", 100_000, 400),
        ("logs", DEEP, 400),
        ("traces", DEEP, 400),
    ],
)
def test_nested_too_deeply(collector: Collector, signal: str, depth: int, status: int) -> None:
    """Some kilobytes as they are sent: refused, or cut to what backends take."""
    value = lists(depth)
    inner = {
        "logs": field(5, value),
        "traces": field(1, b"t" * 16) + field(2, b"spanspan") + field(9, field(2, value)),
    }[signal]
    body = field(1, field(2, field(2, inner)))
    assert len(body) < LIMIT
    process = psutil.Process(collector.pid)
    before = process.memory_info().rss
    assert send(collector, gzip.compress(body), signal=signal, encoding="gzip") == status
    assert process.memory_info().rss - before < 200 * MEBIBYTE


def test_nested_json(collector: Collector) -> None:
    for depth, status in ((400, 200), (4_000, 400), (500_000, 400)):
        value = b'{"arrayValue":{"values":[' * depth + b"]}}" * depth
        body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":%s}]}]}]}' % value
        assert len(body) < LIMIT
        packed_body = gzip.compress(body)
        assert send(collector, packed_body, kind="application/json", encoding="gzip") == status


def test_long_keys_of_many_values(collector: Collector) -> None:
    """Two megabytes, of which masking would make a hundred thousand paths of a megabyte each."""
    many = field(1, field(2, b"\x18\x01")) * 100_000
    body = field(6, field(1, field(1, b"k" * MEBIBYTE) + field(2, field(6, many))))
    body = field(1, field(2, field(2, field(5, body))))
    process = psutil.Process(collector.pid)
    before = process.memory_info().rss
    assert send(collector, body) == 200
    assert process.memory_info().rss - before < 200 * MEBIBYTE


def lists(depth: int) -> bytes:
    """A value that is so many lists within each other, as no library makes it."""
    heads: list[bytes] = []
    size = 0
    for _ in range(depth):
        for number in (1, 5):
            heads.append(bytes([number << 3 | 2]) + varint(size))
            size += len(heads[-1])
    return b"".join(reversed(heads))


def field(number: int, content: bytes) -> bytes:
    """A field of protobuf's that is a message, a text or bytes."""
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(value: int) -> bytes:
    done = bytearray()
    while value >= 0x80:
        done.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*done, value])


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("kind", [PROTOBUF, "application/json"], ids=["protobuf", "json"])
def test_mutated(collector: Collector, signal: str, kind: str) -> None:
    """Requests with bytes changed, taken out, doubled and cut off: taken or refused, nothing else."""
    valid = requests(signal)
    if kind != PROTOBUF:
        load = Load("")
        message = {
            "traces": lambda: load.spans(range(5), {}, ""),
            "logs": lambda: load.logs(range(5), {}, ""),
            "metrics": lambda: load.metrics(range(5), {}),
        }[signal]()
        valid = MessageToJson(message).encode()
    chance = random.Random(f"{signal} {kind}")
    process = psutil.Process(collector.pid)
    before = process.memory_info().rss
    answers: Counter[int] = Counter()
    with httpx.Client(trust_env=False, timeout=60) as client:
        for _ in range(400):
            response = client.post(
                f"{collector.endpoint}/v1/{signal}",
                content=mutated(valid, chance),
                headers={"Content-Type": kind},
            )
            status = response.status_code
            answers[400 if status == 500 and UNSPEAKABLE in response.text else status] += 1
    assert set(answers) <= {200, 400}, answers
    assert answers[400] > 0
    assert process.memory_info().rss - before < 200 * MEBIBYTE


def mutated(valid: bytes, chance: random.Random) -> bytes:
    body = bytearray(valid)
    for _ in range(chance.randint(1, 8)):
        if not body:
            break
        at = chance.randrange(len(body))
        match chance.randrange(5):
            case 0:
                body[at] = chance.randrange(256)
            case 1:
                body[at] ^= 1 << chance.randrange(8)
            case 2:
                del body[at : at + chance.randint(1, 20)]
            case 3:
                body[at:at] = body[at : at + chance.randint(1, 200)]
            case _:
                del body[at:]
    return bytes(body)
