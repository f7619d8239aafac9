"""The processes of a benchmark: the stand-ins and the real proxies, started, awaited, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.cpu import all_cpus, pin
from benchmarks.variants import Variant
from stack.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
# Importing LiteLLM takes 8 s of CPU, and a busy machine has little of it to give.
START_SECONDS = 300
STOP_SECONDS = 20


@dataclass(frozen=True)
class Server:
    """A process that answers on a loopback address."""

    name: str
    pid: int
    url: str
    log: Path


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


@contextlib.contextmanager
def stand_in(module: str, logs: Path) -> Iterator[Server]:
    """One of the benchmark's own servers, which print their port when they are ready."""
    log = logs / f"{module}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip().decode()
        if not port:
            raise RuntimeError(f"the {module} did not start: {_tail(log)}")
        yield Server(module, process.pid, f"http://127.0.0.1:{port}", log)
    finally:
        _end(process)


def proxy_config(provider_url: str, key: str) -> dict[str, Any]:
    return {
        "model_list": [
            {
                "model_name": "benchmark",
                "litellm_params": {
                    "model": "openai/gpt-4o-mini",
                    "api_base": f"{provider_url}/v1",
                    "api_key": "sk-provider-stand-in",
                },
            }
        ],
        "general_settings": {"master_key": key},
        "litellm_settings": {"num_retries": 0},
    }


def _environment(variant: Variant, sink: Server, service: str, seed: int) -> Mapping[str, str]:
    """What the proxy inherits: nobody's OpenTelemetry settings but the variant's own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "LITELLM_"))}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}",
        # Set and dictionary order differ by hash seed, and with them a process's speed.
        "PYTHONHASHSEED": str(seed),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_SERVICE_NAME": service,
        **variant.environment,
    }


class Proxy:
    """LiteLLM's real proxy in one variant, from construction to `end`."""

    def __init__(
        self, variant: Variant, *, config: dict[str, Any], sink: Server, logs: Path, seed: int
    ) -> None:
        self.variant = variant
        port = free_port()
        name = variant.name.replace(" ", "-")
        self._log = logs / f"{name}-{seed}.log"
        file = logs / f"{name}.yaml"
        settings = {**config["litellm_settings"], **variant.litellm_settings}
        file.write_text(yaml.safe_dump({**config, "litellm_settings": settings}))
        command = [*variant.launcher, "litellm", "--config", str(file)]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=logs,
                env=_environment(variant, sink, variant.name, seed),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        # It starts on any CPU: the benchmark's own pinning, which it inherited, is for later.
        pin(self._process.pid, all_cpus())
        self.server = Server(variant.name, self._process.pid, f"http://127.0.0.1:{port}", self._log)

    def end(self) -> None:
        _end(self._process)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.server.url}/health/liveliness", timeout=5).status_code == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError(
            f"the {self.variant.name} proxy was not ready after {START_SECONDS} s; "
            f"the end of {self._log}:\n{_tail(self._log)}"
        )
