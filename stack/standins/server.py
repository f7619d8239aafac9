"""What all stand-ins share: the server in its thread, the list of violations, the JSON view."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import web

from ..ports import free_port
from ..waiting import PATIENCE


@dataclass(frozen=True)
class Failure:
    """A request that the real service would have refused, and why."""

    path: str
    reason: str
    detail: str = ""
    at: float = field(default_factory=time.time)


Self = TypeVar("Self", bound="StandIn")


class StandIn(ABC):
    """An HTTP server on the loopback interface, in a thread with an event loop of its own."""

    name: str
    largest_body = 16 * 2**20

    def __init__(self, port: int | None = None, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port or free_port()
        self.url = f"http://{host}:{self.port}"
        self.failures: list[Failure] = []
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread: threading.Thread | None = None

    # -- for the subclasses -----------------------------------------------------------------

    @abstractmethod
    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """The routes of the real service that are played here."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What was received, ready for ``json.dumps``."""

    @abstractmethod
    def forget(self) -> None:
        """Drops what was received."""

    def refuse(self, path: str, reason: str, detail: str = "") -> None:
        """Remembers a violation."""
        self.failures.append(Failure(path, reason, detail))

    # -- life -------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"stand-in {self.name}", daemon=True
        )
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(PATIENCE)
        except BaseException:
            self.stop()
            raise

    def listen_securely(self, certificate: Path, key: Path) -> str:
        """Listens with TLS too, once it has been started; the address of that."""
        port = free_port()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)

        async def listen() -> None:
            assert self._runner is not None
            await web.TCPSite(self._runner, self.host, port, ssl_context=context).start()

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result(PATIENCE)
        return f"https://{self.host}:{port}"

    def await_ready(self) -> None:  # noqa: B027 - nothing to wait for, nothing to override
        """Listens as soon as ``start`` returns."""

    def ensure_running(self) -> None:
        """Its thread ends with the process that asks."""
        assert self._thread is not None, f"the stand-in of {self.name} has not been started"
        assert self._thread.is_alive(), f"the stand-in of {self.name} has ended"

    def stop(self) -> None:
        if self._thread is None:
            return
        if self._runner is not None:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._thread = None
        self._loop.close()

    def __enter__(self: Self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _serve(self) -> None:
        app = web.Application(client_max_size=self.largest_body)
        app.add_routes(self.routes())
        app.add_routes(
            [
                web.get("/_standin/state", self._show_state),
                web.get("/_standin/failures", self._show_failures),
                web.post("/_standin/forget", self._forget),
            ]
        )
        # A handler whose client has gone is cancelled: that is how a broken-off stream is noticed.
        # Bodies are taken as they were sent, so that a wrong encoding can be refused.
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            auto_decompress=False,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()

    # -- the view for tests and people ------------------------------------------------------

    async def _show_state(self, request: web.Request) -> web.Response:
        return web.json_response(self.state(), dumps=_pretty)

    async def _show_failures(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(each) for each in self.failures], dumps=_pretty)

    async def _forget(self, request: web.Request) -> web.Response:
        self.failures.clear()
        self.forget()
        return web.json_response({"forgotten": True})


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, default=str)
