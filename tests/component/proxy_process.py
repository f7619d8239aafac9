"""LiteLLM's real proxy, and a provider for it, as processes and servers that a test can hold."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from stack.ports import free_port
from stack.waiting import NotInTime, until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

BIN = Path(sys.executable).parent
KEY = "sk-" + "k3y-f0r-t3sts-0nly-" * 3
START_SECONDS = 400.0
FLUSH_SECONDS = "40"
ENDPOINTS = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_ENDPOINT"}
CONFIG = """\
model_list:
  - model_name: fast
    litellm_params:
      model: openai/fast
      api_base: {provider}
      api_key: sk-provider
general_settings:
  master_key: {key}
"""


class Provider(ThreadingHTTPServer):
    """Answers chat completions, whole or streamed, and remembers the headers it was sent."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ProviderHandler)
        self.seen: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _ProviderHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_GET(self) -> None:
        self._answer(json.dumps({"object": "list", "data": []}).encode(), "application/json")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append({k.lower(): v for k, v in self.headers.items()})
        if body.get("stream"):
            chunks = [_chunk("Hel"), _chunk("lo"), _chunk(None)]
            text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
            self._answer((text + "data: [DONE]\n\n").encode(), "text/event-stream")
        else:
            self._answer(json.dumps(_completion()).encode(), "application/json")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _completion() -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fast",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def _chunk(text: str | None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "fast",
        "choices": [
            {
                "index": 0,
                "delta": {} if text is None else {"content": text},
                "finish_reason": "stop" if text is None else None,
            }
        ],
    }


def environment(**extra: str) -> dict[str, str]:
    """The test's environment without any telemetry settings, and `extra`.

    What has somewhere to send to gets the time for it that a machine with other work may take.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "LITELLM_", "PYTHONPATH"))
    }
    kept["PATH"] = f"{BIN}{os.pathsep}{kept.get('PATH', '')}"
    kept |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    if extra.keys() & ENDPOINTS:
        kept["LITELLM_OTEL_FLUSH_TIMEOUT"] = FLUSH_SECONDS
    return {**kept, **extra}


class Proxy:
    """A started proxy."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def lines(self, word: str) -> list[str]:
        return [line for line in self.output.splitlines() if word in line]

    def ask(self, count: int = 1, **body: Any) -> None:
        """Send chat requests and insist on their answers."""
        with httpx.Client(headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client:
            for number in range(count):
                response = client.post(
                    f"{self.url}/v1/chat/completions",
                    json={
                        "model": "fast",
                        "messages": [{"role": "user", "content": f"hello {number}"}],
                        **body,
                    },
                )
                assert response.status_code == 200, response.text

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Send the signal to the process, wait for it, and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, f"the proxy ended at its start:\n{self.output}"
            return httpx.get(f"{self.url}/health/liveliness", timeout=2).status_code == 200

        try:
            until(ready, what="the proxy", timeout=START_SECONDS, retry_on=(httpx.HTTPError,))
        except NotInTime as error:
            raise AssertionError(f"{error}\n{self.output}") from None

    def wait_for_workers(self, count: int) -> None:
        """Until so many have started in all: the proxy is ready with the first of them."""
        # As uvicorn, alone and under gunicorn, and granian say it.
        words = ("Application startup complete", "Started worker-")
        until(
            lambda: sum(len(self.lines(word)) for word in words) >= count,
            what=f"{count} workers",
            timeout=START_SECONDS,
        )


@dataclass
class Clients:
    """Four that ask a proxy without a pause, each time by a connection of its own."""

    proxy: Proxy
    answered: int = 0
    broken: int = 0
    """Requests whose connection broke: whether the proxy had answered them, nobody can say."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask_during(self, work: Callable[[], object]) -> None:
        """Ask while the work is done."""
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                try:
                    self.proxy.ask(1)
                except httpx.HTTPError:
                    with self._lock:
                        self.broken += 1
                    stop.wait(0.05)
                else:
                    with self._lock:
                        self.answered += 1

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            work()
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def wait_for_more(self, count: int) -> None:
        """Until so many more are answered."""
        asked = self.answered
        until(lambda: self.answered > asked + count, what="some load", timeout=60.0)


@contextmanager
def running_proxy(
    folder: Path,
    provider: Provider,
    *options: str,
    command: Sequence[str] = ("opentelemetry-instrument", "litellm"),
    env: Mapping[str, str] | None = None,
    config: str | None = None,
) -> Generator[Proxy]:
    """The proxy, started by `command` with ``--config`` and `options`, until the block ends."""
    file = folder / "config.yaml"
    file.write_text(config or CONFIG.format(provider=provider.url, key=KEY))
    port = free_port()
    log = folder / "proxy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *command,
                "--config",
                str(file),
                "--port",
                str(port),
                "--host",
                "127.0.0.1",
                *options,
            ],
            env=environment(**(env or {})),
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        proxy = Proxy(process, port, log)
        proxy.wait_until_ready()
        yield proxy
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and the workers in its session, those too that it left behind."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(15)
