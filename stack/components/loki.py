"""Loki with the configuration shipped for it, asked by LogQL."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tools.build import binary

from ..paths import ROOT, RunDirectory
from ..ports import free_port
from ..service import Service, answers
from ..waiting import PATIENCE

CONFIG = ROOT / "collector" / "backends" / "loki.yaml"


@dataclass(frozen=True)
class Line:
    """One stored line; its stream labels and structured metadata are one mapping."""

    text: str
    labels: dict[str, str]

    @property
    def event(self) -> str:
        return self.labels.get("event_name", "")

    @property
    def trace_id(self) -> str:
        return self.labels.get("trace_id", "")


class Loki(Service):
    def __init__(self, *, run: RunDirectory, flags: Sequence[str] = (), name: str = "loki") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.otlp_endpoint = f"{self.url}/otlp"
        data = run.subfolder(f"{name}/data")
        super().__init__(
            name,
            [binary("loki"), f"-config.file={CONFIG}", "-config.expand-env=true", *flags],
            run=run,
            env={
                "LOKI_HTTP_PORT": str(self.port),
                "LOKI_GRPC_PORT": str(free_port()),
                "LOKI_DATA_DIRECTORY": str(data),
            },
            ready=answers(f"{self.url}/ready"),
            ready_within=PATIENCE,
            cwd=data,
        )

    def query(self, expression: str, *, limit: int = 5000) -> list[Line]:
        """The lines of the last hour that a LogQL query selects, oldest first."""
        found = self._get("query_range", query=expression, limit=limit, direction="forward")
        streams = found["result"]
        return [
            Line(value[1], stream["stream"]) for stream in streams for value in stream["values"]
        ]

    def label_names(self) -> list[str]:
        """The index labels in use."""
        return self._get("labels") or []

    def _get(self, path: str, **params: Any) -> Any:
        now = time.time_ns()
        span = {"start": now - 3_600 * 10**9, "end": now + 60 * 10**9}
        response = httpx.get(
            f"{self.url}/loki/api/v1/{path}",
            params={**params, **span},
            timeout=30.0,
            trust_env=False,
        )
        response.raise_for_status()
        return response.json().get("data")
