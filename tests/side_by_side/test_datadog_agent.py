"""A Datadog Agent's checks on the proxy's metrics page, with our examples of their configuration."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from litellm_otel import catalogue
from stack.waiting import until
from tests.component.proxy_process import KEY, Provider, Proxy, running_proxy
from tests.datadog_tables import NAMES, rows
from tests.environments import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "datadog-agent" / "conf.d"
PAGE = "http://localhost:4000/metrics"
ASKED, TOKENS_EACH = 5, 3
TOKENS = "input_tokens_metric.count", "input.tokens.count"
"""Of the metric that is told last, as the one check calls it and the other."""
HISTOGRAM = ("bucket", "count", "sum")
SUBMITTED = {"count": "monotonic_count", "gauge": "gauge"}
"""What a check calls them that submits sums, of which the Agent sends the growth."""
CAUSED = (
    catalogue.INPUT_TOKENS,
    catalogue.OUTPUT_TOKENS,
    catalogue.TOTAL_LATENCY,
    catalogue.API_LATENCY,
    catalogue.PROXY_REQUESTS,
    catalogue.DEPLOYMENT_STATE,
    catalogue.DEPLOYMENT_SUCCESSES,
)
"""What answered requests tell of, with a name of Datadog's."""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    provider = Provider()
    env = {
        **{f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")},
        "LITELLM_OTEL_METRICS_ENDPOINT": "true",
    }
    with running_proxy(tmp_path_factory.mktemp("agent"), provider, env=env) as started:
        started.ask(ASKED)
        yield started
    provider.shutdown()
    provider.server_close()


def submitted(proxy: Proxy, folder: Path, example: str, *names: Path) -> list[dict[str, Any]]:
    """What the check sends on from here once it has been run, as its name, type, value and tags."""
    text = (EXAMPLES / f"{example}.d" / "conf.yaml").read_text(encoding="utf-8")
    assert text.count(PAGE) == 1
    page = f"{proxy.url}/metrics\n    headers: {{Authorization: Bearer {KEY}}}"
    configuration = folder / "conf.yaml"
    configuration.write_text(text.replace(PAGE, page), encoding="utf-8")
    program = ROOT / "tests" / "side_by_side" / "agent_check.py"

    def run() -> list[dict[str, Any]]:
        done = subprocess.run(
            [environment("datadog-agent"), program, configuration, *names],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def told() -> list[dict[str, Any]] | None:
        found = run()
        tokens = sum(each["value"] for each in found if each["name"].endswith(TOKENS))
        return found if tokens == ASKED * TOKENS_EACH else None

    return until(told, what="all that LiteLLM's logging worker tells", timeout=120)


def test_the_generic_check(proxy: Proxy, tmp_path: Path) -> None:
    found = submitted(proxy, tmp_path, "openmetrics")
    (requests,) = [each for each in found if each["name"] == "litellm.litellm_requests.count"]
    assert (requests["type"], requests["value"]) == ("monotonic_count", ASKED)
    assert {"model:fast", "provider:openai", "status:success"} <= set(requests["tags"])
    names = Counter(each["name"] for each in found)
    for metric in (catalogue.REQUEST_LATENCY, catalogue.OPERATION_DURATION):
        for sample in HISTOGRAM:
            assert names[f"litellm.{metric.prometheus}.{sample}"], metric.prometheus
    counted = [each for each in found if each["name"].endswith("request_latency_seconds.count")]
    assert [each["value"] for each in counted] == [ASKED]


def test_the_litellm_check(proxy: Proxy, tmp_path: Path) -> None:
    """By Datadog's names and types, as its dashboard and monitors ask for them."""
    found = submitted(proxy, tmp_path, "litellm", NAMES)
    types = {row["metric"]: row["type"] for row in rows("metrics.csv")}
    seen = {each["name"]: each["type"] for each in found if each["name"] in types}
    assert seen == {name: SUBMITTED[types[name]] for name in seen}

    renamed = {row["litellm"]: row["datadog"] for row in reversed(rows("names.csv"))}
    for metric in CAUSED:
        suffixes = {"histogram": HISTOGRAM, "counter": ("count",)}.get(metric.kind, ("",))
        wanted = {f"{renamed[metric.name]}.{suffix}".rstrip(".") for suffix in suffixes}
        assert wanted <= seen.keys(), metric.name
    (answered,) = [each for each in found if each["name"] == "litellm.requests.count"]
    assert answered["value"] == ASKED
