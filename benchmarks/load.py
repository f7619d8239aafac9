"""Identical chat completions against a proxy, a fixed number of them in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp

_MESSAGES = [
    {"role": "system", "content": "You are a terse assistant that answers in one sentence."},
    {"role": "user", "content": "Say something about foxes, dogs and rest. " * 4},
]


class Load:
    """A client that keeps its connections, so that both proxies see warm ones only."""

    def __init__(self, key: str, concurrency: int) -> None:
        self._headers = {"authorization": f"Bearer {key}"}
        self._concurrency = concurrency
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Load:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=600),
            timeout=aiohttp.ClientTimeout(total=60),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, url: str, requests: int, *, stream: bool) -> None:
        """Send ``requests`` requests and read every answer to its end; any failure raises."""
        work = iter(range(requests))
        body = {"model": "benchmark", "messages": _MESSAGES, "stream": stream, "temperature": 0.2}
        workers = (self._worker(work, url, body) for _ in range(self._concurrency))
        await asyncio.gather(*workers)

    async def _worker(self, work: Iterator[int], url: str, body: dict[str, object]) -> None:
        assert self._session is not None
        for _ in work:
            async with self._session.post(
                f"{url}/v1/chat/completions", json=body, headers=self._headers
            ) as response:
                answer = await response.read()
                if response.status != 200:
                    raise RuntimeError(f"{url} answered {response.status}: {answer[:300]!r}")
                if body["stream"] and b"[DONE]" not in answer:
                    raise RuntimeError(f"{url} broke a stream off after {answer[-200:]!r}")
