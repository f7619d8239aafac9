"""LiteLLM's ``prometheus_metrics_config`` in the proxy's configuration: honoured, and checked at its start."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from litellm_otel.catalogue import CATALOGUE, LITELLMS
from stack.ports import free_port
from tests.component.proxy_process import KEY, START_SECONDS, environment, running_proxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.otlp_sink import Sink
    from tests.component.proxy_process import Provider

pytestmark = pytest.mark.timeout(600)
WRONG = "there is no metric 'litellm_spend_metrics' (did you mean 'litellm_spend_metric'?)"


def config(provider: Provider, *metrics: str) -> str:
    group = {"group": "cost", "metrics": list(metrics), "include_labels": ["model", "user"]}
    whole: dict[str, Any] = {
        "model_list": [
            {
                "model_name": "fast",
                "litellm_params": {
                    "model": "openai/gpt-4o",
                    "api_base": provider.url,
                    "api_key": "sk-of-the-provider",
                },
            }
        ],
        "litellm_settings": {"prometheus_metrics_config": [group]},
        "general_settings": {"master_key": KEY},
    }
    return yaml.safe_dump(whole)


def test_only_what_is_selected_is_sent(sink: Sink, provider: Provider, tmp_path: Path) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRIC_EXPORT_INTERVAL": "200"}
    wanted = config(provider, "litellm_input_tokens_metric", "litellm_spend_metrics")
    with running_proxy(tmp_path, provider, env=env, config=wanted) as proxy:
        proxy.ask(2)
        assert sink.wait_for(lambda: sink.total("litellm_input_tokens_metric") == 6)
        assert len(proxy.lines(WRONG)) == 1
        proxy.stop()
    known = {metric.name for metric in CATALOGUE}
    sent = {item.data.name for item in sink.metrics if item.data.name in known}
    assert sent & LITELLMS == {"litellm_input_tokens_metric"}
    assert {"litellm.requests", "gen_ai.client.operation.duration"} <= sent
    labels = {
        pair.key
        for item in sink.metrics
        if item.data.name == "litellm_input_tokens_metric"
        for point in item.data.sum.data_points
        for pair in point.attributes
    }
    assert labels == {"model", "user"}


def test_a_wrong_name_ends_a_strict_start(provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(config(provider, "litellm_spend_metrics"))
    command = ["opentelemetry-instrument", "litellm", "--config", str(file)]
    done = subprocess.run(
        [*command, "--host", "127.0.0.1", "--port", str(free_port())],
        env=environment(OTEL_SDK_DISABLED="false", LITELLM_OTEL_METRICS_STRICT="true"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert WRONG in done.stderr + done.stdout
