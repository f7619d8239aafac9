"""LiteLLM's own ``prometheus`` callback beside ours, on the same traffic of the same proxy: the same series.

Where a series differs, `DIFFERENT` says why.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from math import isclose, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from litellm_otel.catalogue import CATALOGUE
from stack.standins.provider import Provider
from stack.waiting import settled
from tests.component import guardrails
from tests.component.otlp_sink import Sink, attributes
from tests.component.proxy_process import KEY, Proxy, running_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

pytestmark = pytest.mark.timeout(600)
FILES = Path(__file__).with_name("metrics_files")
ADA, BOB, EVE, GUS, HAL, IVY = (
    f"sk-{name}-0123456789abcdef" for name in ("ada", "bob", "eve", "gus", "hal", "ivy")
)
"""Ada and Bob are answered, Eve falls back, Gus' guardrails and Hal's limit stop them, Ivy is in the cache."""
CHAT = "/v1/chat/completions"


def config(provider: Provider) -> dict[str, Any]:
    def deployment(group: str, model: str, **more: Any) -> dict[str, Any]:
        params = {"model": model, "api_base": provider.base_url(), "api_key": "sk-of-the-provider"}
        return {
            "model_name": group,
            "litellm_params": {**params, "max_retries": 0, **more},
            "model_info": {"id": f"{group}-1"},
        }

    return {
        "model_list": [
            deployment("fast", "openai/gpt-4o", rpm=600, tpm=60_000),
            deployment("failing", "openai/gpt-4o@server-error", cooldown_time=0),
            deployment("refusing", "openai/gpt-4o@bad-request", cooldown_time=0),
            deployment("falls-back", "openai/gpt-4o@unavailable", cooldown_time=0),
            deployment("falls-far", "openai/gpt-4o@unavailable", cooldown_time=0),
            deployment("embeds", "openai/text-embedding-3-small"),
            deployment("free", "openai/a-model-nobody-knows"),
        ],
        "router_settings": {
            "num_retries": 0,
            "fallbacks": [{"falls-back": ["fast"]}, {"falls-far": ["failing"]}],
            "allowed_fails": 1000,
            "provider_budget_config": {"openai": {"budget_limit": 1000, "time_period": "1d"}},
        },
        "litellm_settings": {
            "require_auth_for_metrics_endpoint": False,
            "callbacks": ["prometheus", "guards.fails_to_log"],
            "cache": True,
            "cache_params": {"type": "local", "mode": "default_off"},
            "enable_end_user_cost_tracking_prometheus_only": True,
            "custom_prometheus_metadata_labels": ["metadata.department"],
            "custom_prometheus_tags": ["nightly"],
        },
        "guardrails": guardrails.registered(),
        "general_settings": {
            "master_key": KEY,
            "custom_auth": "callers.user_api_key_auth",
            "custom_auth_run_common_checks": True,
        },
    }


def traffic(proxy: Proxy) -> int:
    """Something of everything that metrics tell of; so many requests."""
    asked = 0
    with httpx.Client(base_url=proxy.url, timeout=60, headers={"user-agent": "check/1"}) as client:

        def ask(path: str, key: str, *statuses: int, **body: Any) -> int:
            nonlocal asked
            asked += 1
            if path == CHAT:
                body["messages"] = [{"role": "user", "content": body.pop("content", "hello")}]
            answer = client.post(path, headers={"authorization": f"Bearer {key}"}, json=body)
            assert answer.status_code in statuses, (body, answer.text)
            return answer.status_code

        for key in (ADA, BOB):
            for stream in (False, True):
                ask(CHAT, key, 200, model="fast", stream=stream)
        ask(CHAT, ADA, 200, model="fast", user="customer-1", metadata={"tags": ["nightly"]})
        ask(CHAT, ADA, 200, model="free")
        ask("/v1/embeddings", ADA, 200, model="embeds", input="hello")
        ask(CHAT, ADA, 500, model="failing")
        ask(CHAT, ADA, 400, model="refusing")
        ask(CHAT, ADA, 200, model="fast", guardrails=["watches"])
        for _ in range(2):
            ask(CHAT, IVY, 200, model="fast", content="again", cache={"use-cache": True})
        ask(CHAT, EVE, 200, model="falls-back")
        ask(CHAT, EVE, 503, model="falls-far")
        ask(CHAT, GUS, 400, model="fast", guardrails=["refuses"])
        ask(CHAT, GUS, 500, model="fast", guardrails=["breaks"])
        while ask(CHAT, HAL, 200, 429, model="fast") == 200:
            assert asked < 100
        ask(CHAT, "sk-nobody-0123456789abcdef", 401, model="fast")
    return asked


def theirs(proxy: Proxy) -> Series:
    """Every sample of LiteLLM's own metrics but buckets and times of creation; empty labels left out."""
    answer = httpx.get(f"{proxy.url}/metrics/", timeout=30)
    assert answer.status_code == 200
    return {
        (sample.name, _labels(sample.labels)): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith("litellm_") and not sample.name.endswith(("_created", "_bucket"))
    }


def _labels(given: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in given.items() if value not in ("", "None"))


def ours(sink: Sink) -> Series:
    """The same of what was sent to the sink, under Prometheus' names."""
    shown = {metric.name: metric for metric in CATALOGUE}
    series: Series = {}
    for item in sink.metrics:
        metric = shown.get(item.data.name)
        if metric is None:
            continue
        kind = item.data.WhichOneof("data")
        for point in getattr(item.data, kind).data_points:
            labels = frozenset((name, str(value)) for name, value in attributes(point).items())
            if kind == "histogram":
                series[f"{metric.prometheus}_count", labels] = point.count
                series[f"{metric.prometheus}_sum", labels] = point.sum
            else:
                series[metric.prometheus, labels] = point.as_double or point.as_int
    return series


Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """Series that need not be the same, and why."""

    metric: str
    """A pattern of names."""
    why: str
    of: Callable[[Labels], bool] = lambda _: True
    sometimes: bool = False
    """Whether it depends on which of two that run beside each other is first."""


def by(*keys: str) -> Callable[[Labels], bool]:
    aliases = {key.split("-")[1] for key in keys}
    return lambda labels: labels.get("api_key_alias") in aliases


DIFFERENT = (
    Difference("*_sum", "times are taken at other moments; counts are the same"),
    Difference("litellm_in_flight_requests", "LiteLLM counts the scrape itself"),
    Difference("litellm_deployment_*", "a cache's answer is none of the deployment's", by(IVY)),
    Difference(
        "*",
        "after a fallback LiteLLM takes the group that answered for the one asked for, "
        "and counts the first failed attempt only",
        by(EVE),
    ),
    Difference(
        "litellm_deployment_*",
        "what the proxy refused never came to a deployment",
        by(GUS, HAL),
    ),
    Difference(
        "litellm_request_total_latency_*",
        "what a guardrail stopped beside the call was not answered",
        by(GUS),
        sometimes=True,
    ),
    Difference(
        "litellm_llm_api_failed_*", "what the proxy refused was sent to nobody", by(GUS, HAL)
    ),
    Difference(
        "litellm_proxy_*",
        "of what was refused before one was picked there is no deployment or provider to tell, "
        "and a status is told of what failed without one",
        lambda labels: by(GUS, HAL)(labels) or "api_key_alias" not in labels,
    ),
    Difference(
        "litellm_deployment_*",
        "a request that is wrong in itself is no failure of the deployment",
        lambda labels: labels.get("model_id") == "refusing-1",
    ),
)
CUSTOM = ("metadata_department", "tag_nightly")


def alike(series: Series, name: str) -> dict[frozenset[tuple[str, str]], float]:
    """One metric's series as they are compared: without what LiteLLM shows where there is nothing to show."""
    counted = name.endswith(("_total", "_count", "_sum"))
    failures = "fail" in name or "litellm_deployment_total_requests" in name
    found: dict[frozenset[tuple[str, str]], float] = {}
    for (metric, labels), value in series.items():
        if metric != name or not value or value > 1e18:
            continue  # zeros, and infinity or the greatest integer for what has no limit
        kept = dict(labels)
        if not counted and kept.get("tag_nightly") == "true":
            continue  # LiteLLM has a gauge of one fact for each tag
        failed = failures or kept.get("status_code", "200") != "200"
        for label in CUSTOM if not counted else CUSTOM[:1] if failed else ():
            kept.pop(label, None)  # which it leaves out of failures
        found[frozenset(kept.items())] = value
    return found


def explanation(name: str, labels: frozenset[tuple[str, str]]) -> Difference | None:
    given = dict(labels)
    return next(
        (d for d in DIFFERENT if fnmatch(name, d.metric) and d.of(given)),
        None,
    )


@dataclass(slots=True)
class Compared:
    """Both sides after the same traffic."""

    theirs: Series
    ours: Series

    def names(self) -> list[str]:
        return sorted(
            name for name in {name for name, _ in self.theirs} if alike(self.theirs, name)
        )

    def differences(self, name: str) -> dict[frozenset[tuple[str, str]], tuple[Any, Any]]:
        """Series that are not the same: their value, ours."""
        theirs, ours = alike(self.theirs, name), alike(self.ours, name)
        return {
            labels: (theirs.get(labels), ours.get(labels))
            for labels in theirs.keys() | ours.keys()
            if not isclose(theirs.get(labels, nan), ours.get(labels, nan), rel_tol=0.01)
        }


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    folder = tmp_path_factory.mktemp("beside")
    for file in FILES.glob("*.py"):
        shutil.copy(file, folder)
    sink = Sink().start()
    with (
        Provider() as provider,
        running_proxy(
            folder,
            provider,
            config=yaml.safe_dump(config(provider), sort_keys=False),
            env={
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
                "OTEL_METRIC_EXPORT_INTERVAL": "200",
                "OTEL_TRACES_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
            },
        ) as proxy,
    ):
        asked = traffic(proxy)
        assert sink.wait_for(lambda: sink.total("litellm.requests") >= asked)
        # It counts what was answered well a little later, in the event loop that answers these scrapes.
        found = settled(lambda: theirs(proxy), what="LiteLLM's counts", quiet_for=2.0, timeout=60.0)
        proxy.stop()
        yield Compared(found, ours(sink))
    sink.stop()


def test_shared_series_are_the_same(compared: Compared) -> None:
    names = compared.names()
    unexplained = {
        name: {labels: values for labels, values in found.items() if not explanation(name, labels)}
        for name in names
        if (found := compared.differences(name))
    }
    assert {name: found for name, found in unexplained.items() if found} == {}
    same = [name for name in names if not compared.differences(name)]
    assert len(same) >= 30, same


def test_every_difference_is_still_there(compared: Compared) -> None:
    needed = {
        explanation(name, labels)
        for name in compared.names()
        for labels in compared.differences(name)
    }
    assert [d.why for d in DIFFERENT if d not in needed and not d.sometimes] == []


def test_what_is_unknown_is_absent(compared: Compared) -> None:
    """LiteLLM shows infinity for a key without a budget, and the greatest integer for one without a limit."""
    assert any(value > 1e18 for value in compared.theirs.values())
    assert all(value < 1e18 for value in compared.ours.values())
