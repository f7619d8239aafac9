"""Sends requests of given kinds through the proxy, several at a time."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import aiohttp

from .exchange import Exchange, Traffic
from .kinds import Kind, Mix

_numbers = itertools.count(1)


def send(
    url: str,
    key: str,
    mix: Mix,
    *,
    concurrency: int = 8,
    traced: bool = False,
    prompt: str = "Say something, number {number}.",
) -> Traffic:
    """Sends a mix, the kinds interleaved, and waits for every answer.

    With ``traced`` each request carries a ``traceparent`` of its own. Each prompt is unique, so
    that the provider can tell a retry of one request from another request.
    """
    return asyncio.run(_send(_Client(url, key, traced, prompt), mix, concurrency))


class Steady:
    """Requests of one kind at a steady pace, until ``stop`` returns what was seen of them."""

    def __init__(self, url: str, key: str, kind: Kind, *, per_second: float) -> None:
        self._client = _Client(url, key, False, "Still there? Number {number}.")
        self._kind = kind
        self._pause = 1 / per_second
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="steady traffic")
        self._result = self._pool.submit(asyncio.run, self._run())

    def stop(self) -> Traffic:
        self._stopping.set()
        try:
            return self._result.result(60)
        finally:
            self._pool.shutdown()

    async def _run(self) -> Traffic:
        under_way: list[asyncio.Task[Exchange]] = []
        async with _session() as session:
            while not self._stopping.is_set():
                exchange = self._client.exchange(session, self._kind)
                under_way.append(asyncio.create_task(exchange))
                await asyncio.sleep(self._pause)
            return Traffic(await asyncio.gather(*under_way))


async def _send(client: _Client, mix: Mix, concurrency: int) -> Traffic:
    waiting = _interleaved(mix)
    done: list[Exchange] = []
    async with _session() as session:

        async def sender() -> None:
            for kind in waiting:
                done.append(await client.exchange(session, kind))

        await asyncio.gather(*(sender() for _ in range(concurrency)))
    return Traffic(done)


def _session() -> aiohttp.ClientSession:
    # A connection for each request: with several workers the kernel spreads connections.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=60),
    )


def _interleaved(mix: Mix) -> Iterator[Kind]:
    """Each kind spread evenly over the whole, in an order that is always the same."""
    places = [
        ((index + 0.5) / count, order, kind)
        for order, (kind, count) in enumerate(mix.items())
        for index in range(count)
    ]
    return iter([kind for _, _, kind in sorted(places, key=lambda place: place[:2])])


@dataclass(frozen=True)
class _Client:
    url: str
    key: str
    traced: bool
    prompt: str

    async def exchange(self, session: aiohttp.ClientSession, kind: Kind) -> Exchange:
        trace_id = secrets.token_hex(16) if self.traced else ""
        seen = _Seen()
        started = time.time()
        try:
            await self._request(session, kind, trace_id, seen)
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            seen.error = f"{type(error).__name__}: {error}"
        return Exchange(
            kind,
            trace_id,
            seen.http,
            seen.call_id,
            seen.chunks,
            seen.completion_tokens,
            started,
            time.time(),
            seen.error,
        )

    async def _request(
        self, session: aiohttp.ClientSession, kind: Kind, trace_id: str, seen: _Seen
    ) -> None:
        key = "sk-" + secrets.token_urlsafe(24) if kind.wrong_key else self.key
        headers = {"Authorization": f"Bearer {key}"}
        if trace_id:
            headers["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-01"
        body = kind.body(self.prompt.format(number=next(_numbers)))
        async with session.post(self.url + kind.path, json=body, headers=headers) as response:
            seen.http = response.status
            seen.call_id = response.headers.get("x-litellm-call-id", "")
            if kind.stream and response.status == 200:
                await _read_stream(response, kind, seen)
            else:
                answer = await response.json()
                seen.completion_tokens = (answer.get("usage") or {}).get("completion_tokens")


@dataclass
class _Seen:
    """What has been seen of an answer so far."""

    http: int | None = None
    call_id: str = ""
    chunks: int = 0
    completion_tokens: int | None = None
    error: str = ""


async def _read_stream(response: aiohttp.ClientResponse, kind: Kind, seen: _Seen) -> None:
    async for line in response.content:
        if not line.startswith(b"data: ") or line.strip() == b"data: [DONE]":
            continue
        chunk = json.loads(line.removeprefix(b"data: "))
        if "error" in chunk:
            seen.error = f"error in the stream: {chunk['error']}"
        if (usage := chunk.get("usage")) is not None:
            seen.completion_tokens = usage.get("completion_tokens")
        seen.chunks += 1
        if seen.chunks == kind.leave_after:
            response.close()
            return
