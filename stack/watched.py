"""A running proxy together with what has arrived of its telemetry."""

from __future__ import annotations

from dataclasses import dataclass

from .arrivals import Arrivals
from .components import Proxy
from .traffic import Mix, Traffic, send


@dataclass(frozen=True)
class Watched:
    proxy: Proxy
    arrived: Arrivals

    def send(self, mix: Mix, *, concurrency: int = 8, traced: bool = False) -> Traffic:
        key = self.proxy.gateway.master_key
        traffic = send(self.proxy.url, key, mix, concurrency=concurrency, traced=traced)
        self.proxy.ensure_running()
        return traffic
