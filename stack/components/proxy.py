"""LiteLLM's real proxy, started by the literal command that users type."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import httpx

from ..gateway import RETRY_ENVIRONMENT, Gateway
from ..paths import RunDirectory
from ..ports import free_port
from ..service import Service, tool

# Everything leaves the process soon, so that nobody waits for the defaults of up to a minute.
FAST_EXPORT = {
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    "OTEL_BSP_SCHEDULE_DELAY": "250",
    "OTEL_BLRP_SCHEDULE_DELAY": "250",
}

_QUIET_LITELLM = {
    "LITELLM_MODE": "PRODUCTION",  # reads no .env file
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # fetches no price list from the internet
    "LITELLM_TELEMETRY": "False",
}


class Server(Enum):
    """The application servers LiteLLM can run under, with the option that chooses each."""

    UVICORN = ()
    GUNICORN = ("--run_gunicorn",)
    GRANIAN = ("--run_granian",)


class Proxy(Service):
    """``opentelemetry-instrument litellm --config <file> --port <port>``.

    ``instrumented=False`` leaves the first word out: the bare proxy, to compare with.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        run: RunDirectory,
        otlp_endpoint: str | None = None,
        server: Server = Server.UVICORN,
        workers: int = 1,
        env: Mapping[str, str] | None = None,
        instrumented: bool = True,
        command: Sequence[str] | None = None,
        name: str = "litellm",
        ready_within: float = 400.0,
    ) -> None:
        self.gateway = gateway
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers = workers
        self.server = server
        config = run.write(f"{name}/config.yaml", gateway.config())
        launcher = command or (["opentelemetry-instrument"] if instrumented else [])
        argv = [*launcher, "litellm", "--config", str(config), "--port", str(self.port)]
        if workers > 1:
            argv += ["--num_workers", str(workers)]
            if server is Server.UVICORN:
                # A worker that imports LiteLLM for longer than uvicorn's 5 s, as it does on a busy
                # machine, is killed and started again, for ever.
                argv += ["--timeout_worker_healthcheck", "300"]
        argv += server.value
        exports = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_endpoint} if otlp_endpoint else {}
        super().__init__(
            name,
            [*argv, "--host", "127.0.0.1"],
            run=run,
            env={
                "PATH": f"{tool('litellm').parent}{os.pathsep}{os.environ.get('PATH', '')}",
                "PYTHONUNBUFFERED": "1",
                "PYTHONFAULTHANDLER": "1",  # a crash of the interpreter says where in the log
                **_QUIET_LITELLM,
                **RETRY_ENVIRONMENT,
                **FAST_EXPORT,
                **exports,
                **(env or {}),
            },
            ready=self._all_workers_ready,
            ready_within=ready_within,
            grace=30.0,
            cwd=run.subfolder(name),
        )

    def _all_workers_ready(self) -> bool:
        if httpx.get(f"{self.url}/health/liveliness", timeout=5.0, trust_env=False).is_error:
            return False
        # The first worker to be ready answers for all; the others say so in the log only.
        if self.server is Server.GRANIAN:
            return self.log.count("Started worker-") >= self.workers
        return self.log.count("Application startup complete") >= self.workers

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request with the master key, for looking at the proxy rather than for traffic."""
        headers = {"Authorization": f"Bearer {self.gateway.master_key}"}
        headers.update(options.pop("headers", {}))
        options = {"timeout": 30.0, **options}
        return httpx.request(method, self.url + path, headers=headers, trust_env=False, **options)
