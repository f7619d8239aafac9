"""The oldest LiteLLM we declare, one in the middle and the newest, each in an environment of its own.

In each: every hook in the state that is known of it, good calls and endings in the SDK and the Router,
and the real proxy, started as its users start it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from stack.standins.provider import Provider
from tests.component.otlp_sink import Sink, attributes
from tests.component.proxy_process import KEY, Proxy, environment, running_proxy
from tests.environments import ENVIRONMENTS
from tests.environments import environment as python_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path("tests/versions/inside")
VERSIONS = [name for name in ENVIRONMENTS if name.startswith("litellm-")]
DEPLOYMENTS = {
    "chat": "openai/gpt-4o",
    "text": "text-completion-openai/gpt-3.5-turbo-instruct",
    "vectors": "openai/text-embedding-3-small",
    "fails": "openai/gpt-4o@server-error",
    "falls-back": "openai/gpt-4o@unavailable",
}
MESSAGES = [{"role": "user", "content": "hello"}]
CHAT, TEXT, VECTORS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
ASKED: list[tuple[str, dict[str, Any], str, int, int]] = [
    *[(CHAT, {"model": "chat", "messages": MESSAGES}, KEY, 200, 1)] * 6,
    *[(CHAT, {"model": "chat", "messages": MESSAGES, "stream": True}, KEY, 200, 1)] * 4,
    *[(VECTORS, {"model": "vectors", "input": "hello"}, KEY, 200, 1)] * 3,
    *[(TEXT, {"model": "text", "prompt": "hello"}, KEY, 200, 1)],
    *[(CHAT, {"model": "falls-back", "messages": MESSAGES}, KEY, 200, 2)] * 3,
    *[(CHAT, {"model": "fails", "messages": MESSAGES}, KEY, 500, 1)] * 2,
    *[(CHAT, {"model": "chat", "messages": MESSAGES}, "sk-of-nobody", 400, 0)],
]
"""Path, body, key; the answer's status, and how often a provider was asked."""
OUTCOMES = ("completed", "error")
OURS = re.compile(r"litellm-otel: |.*(telemetry|is not recorded)")
"""What a log line of ours would say."""
LATER = "600000"
"""Milliseconds: nothing is sent before the end."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    started = Sink().start()
    yield started
    started.stop()


pytestmark = pytest.mark.timeout(900)


def run_inside(python: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ("-q", "-p", "no:cacheprovider", "--tb=short", "--disable-warnings")
    return subprocess.run(
        [python, "-m", "pytest", *options, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=840,
    )


@pytest.mark.parametrize("name", VERSIONS)
def test_hooks_and_calls(name: str) -> None:
    done = run_inside(python_of(name), str(INSIDE / "hooks.py"), str(INSIDE / "core_calls.py"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_told_of_metrics() -> None:
    """The newest tells more than the one that other tests are run with."""
    done = run_inside(python_of("litellm-newest"), str(INSIDE / "told.py"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_hooks_here() -> None:
    done = run_inside(sys.executable, str(INSIDE / "hooks.py"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", VERSIONS)
def test_the_python_that_it_is_for(name: str) -> None:
    wanted = ENVIRONMENTS[name].python
    asked = [python_of(name), "-c", "import platform; print(platform.python_version())"]
    found = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    if not found.startswith(f"{wanted}."):
        pytest.skip(f"Python {wanted} is not installed here: {name} was tested with {found}")


@pytest.mark.parametrize("name", VERSIONS)
def test_what_is_buffered_leaves_at_exit(name: str) -> None:
    program = (
        "from litellm_otel import lifecycle;"
        "lifecycle.register_flush(lambda _: print('flushed'));"
        "lifecycle.install()"
    )
    done = subprocess.run(
        [python_of(name), "-c", program], env=environment(), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "flushed\n", "")


def config(provider: Provider) -> str:
    models = [
        {
            "model_name": group,
            "litellm_params": {
                "model": model,
                "api_base": provider.base_url(),
                "api_key": "sk-of-the-provider",
                "max_retries": 0,
            },
        }
        for group, model in DEPLOYMENTS.items()
    ]
    settings = {
        "num_retries": 0,
        "disable_cooldowns": True,
        "fallbacks": [{"falls-back": ["chat"]}],
    }
    return yaml.safe_dump(
        {
            "model_list": models,
            "router_settings": settings,
            "general_settings": {"master_key": KEY},
            "litellm_settings": {"require_auth_for_metrics_endpoint": True},
        }
    )


def ask_everything(proxy: Proxy) -> None:
    with httpx.Client(base_url=proxy.url, timeout=60) as client:
        for path, body, key, status, _ in ASKED:
            answer = client.post(path, json=body, headers={"Authorization": f"Bearer {key}"})
            assert answer.status_code == status, answer.text


def scrape(proxy: Proxy, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.get(f"{proxy.url}/metrics", headers=headers, timeout=60)


def last_points(sink: Sink, name: str) -> list[Any]:
    metrics = [metric for metric in sink.metrics if metric.data.name == name]
    return list(metrics[-1].data.sum.data_points or metrics[-1].data.gauge.data_points)


@pytest.mark.parametrize("name", VERSIONS)
def test_the_proxy(name: str, sink: Sink, tmp_path: Path) -> None:
    scripts = python_of(name).parent
    env = {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_BSP_SCHEDULE_DELAY": LATER,
        "OTEL_BLRP_SCHEDULE_DELAY": LATER,
        "OTEL_METRIC_EXPORT_INTERVAL": LATER,
        "LITELLM_OTEL_METRICS_ENDPOINT": "true",
        "LITELLM_OTEL_FLUSH_TIMEOUT": "60",
    }
    command = (str(scripts / "opentelemetry-instrument"), "litellm")
    with (
        Provider() as provider,
        running_proxy(
            tmp_path, provider, command=command, env=env, config=config(provider)
        ) as proxy,
    ):
        ask_everything(proxy)
        assert not sink.server_spans
        for key in ("", "sk-of-nobody"):
            assert scrape(proxy, key).status_code == 401
        found = re.findall(r"^litellm_requests_total\{.* ([\d.]+)$", scrape(proxy, KEY).text, re.M)
        assert sum(map(float, found)) == len(ASKED)
        proxy.stop(seconds=150)
        output = proxy.output
    assert not [line for line in output.splitlines() if OURS.match(line)]

    served = Counter(span.attributes.get("url.path") for span in sink.server_spans)
    assert served == Counter(path for path, *_ in ASKED)
    attempts = [span for span in sink.spans if "litellm.attempt.number" in span.attributes]
    assert len(attempts) == sum(times for *_, times in ASKED)
    assert not [span for span in attempts if span.attributes["litellm.outcome"] not in OUTCOMES]
    counted: Counter[str] = Counter()
    for point in last_points(sink, "litellm.requests"):
        counted[attributes(point)["status"]] += point.as_int or int(point.as_double)
    assert counted == {"success": 17, "error": 2, "rejected": 1}
    records = [log for log in sink.logs if log.data.event_name == "litellm.request"]
    assert len(records) == len(ASKED)
    states = Counter(attributes(p)["state"] for p in last_points(sink, "litellm_otel.hooks"))
    assert states["in force"] > 10
    assert not states.keys() & {"missing", "failed"}
