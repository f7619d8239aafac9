"""A gate in front of a backend: lets requests through, or fails them in the ways that backends fail."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import aiohttp
from aiohttp import web

from ..standins.server import StandIn
from ..waiting import PATIENCE

PASS: Final = "pass"
HANG: Final = "hang"
"""Takes the request and never answers."""
RESET: Final = "reset"
"""Takes the request and resets the connection."""
FORGETFUL: Final = "forgetful"
"""Hands the request on, and resets the connection in place of the answer."""

_HOP_BY_HOP: Final = frozenset({"connection", "host", "content-length", "transfer-encoding"})


class Gate(StandIn):
    """Forwards to ``target`` (``http://host:port``) as long as ``mode`` is `PASS`.

    ``mode`` may also be an HTTP status, which is then the answer to everything. ``shut`` refuses
    connections as a host does on which nothing listens.
    """

    def __init__(self, name: str, target: str) -> None:
        super().__init__()
        self.name = f"gate to {name}"
        self.target = target
        self.mode: str | int = PASS
        self.seen: Counter[str | int] = Counter()
        self._client: aiohttp.ClientSession | None = None

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/{path:.*}", self._handle)]

    def shut(self) -> None:
        """Stop listening, and cut what is connected."""
        self._call(self._shut())

    def open(self) -> None:
        """Listen again, on the same port."""
        self._call(self._listen())

    def stop(self) -> None:
        if self._client is not None:
            self._call(self._client.close())
            self._client = None
        super().stop()

    def state(self) -> dict[str, Any]:
        return {"mode": self.mode, "seen": dict(self.seen)}

    def forget(self) -> None:
        self.seen.clear()

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _shut(self) -> None:
        assert self._runner is not None
        for site in list(self._runner.sites):
            await site.stop()
        server = self._runner.server
        for connection in list(server.connections) if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def _listen(self) -> None:
        assert self._runner is not None
        await web.TCPSite(self._runner, self.host, self.port, reuse_address=True).start()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        mode = self.mode
        self.seen[mode] += 1
        body = await request.read()
        if isinstance(mode, int):
            headers = {"Retry-After": "1"} if mode in (429, 503) else {}
            return web.Response(status=mode, text="out of order, for the drill", headers=headers)
        if mode == HANG:
            await asyncio.sleep(3600)  # ends with its connection
        if mode == RESET:
            return _reset(request)
        try:
            status, headers, answer = await self._forward(request, body)
        except aiohttp.ClientError:
            return _reset(request)
        if mode == FORGETFUL:
            return _reset(request)
        return web.Response(status=status, headers=headers, body=answer)

    async def _forward(
        self, request: web.Request, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if self._client is None:
            self._client = aiohttp.ClientSession(auto_decompress=False)
        async with self._client.post(
            f"{self.target}/{request.match_info['path']}",
            data=body,
            headers=_end_to_end(request.headers),
        ) as response:
            answer = await response.read()
            return response.status, _end_to_end(response.headers), answer


def _end_to_end(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _reset(request: web.Request) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        made: socket.socket | None = transport.get_extra_info("socket")
        if made is not None:
            # Without lingering, closing sends a reset.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
