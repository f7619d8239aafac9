"""The catalogue against LiteLLM's own list of metrics: nothing is missing, and labels are called the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from litellm_otel.selection import BY_NAME

if TYPE_CHECKING:
    from tests.component.calls.recorded import Recorded

OF_A_QUEUE = "a queue's label is named after the queue, as LiteLLM's service callback has it"
ADDED = "LiteLLM gives it its labels where it makes it"
DIFFERENT: dict[str, str] = {
    "litellm_pod_lock_manager_size": OF_A_QUEUE,
    "litellm_in_memory_daily_spend_update_queue_size": OF_A_QUEUE,
    "litellm_redis_daily_spend_update_queue_size": OF_A_QUEUE,
    "litellm_in_memory_spend_update_queue_size": OF_A_QUEUE,
    "litellm_redis_spend_update_queue_size": OF_A_QUEUE,
    "litellm_guardrail_errors_total": ADDED,
    "litellm_guardrail_latency_seconds": ADDED,
    "litellm_guardrail_requests_total": ADDED,
    "litellm_managed_file_size_bytes": ADDED,
    "litellm_managed_file_deleted_total": ADDED,
    "litellm_check_batch_cost_errors_total": ADDED,
}
"""Where the labels differ from LiteLLM's list, and why."""


def _names() -> list[str]:
    from litellm.types.integrations.prometheus import DEFINED_PROMETHEUS_METRICS

    return sorted(get_args(DEFINED_PROMETHEUS_METRICS))


def test_each_of_litellms_metrics_is_known(recorded: Recorded) -> None:
    names = _names()
    assert len(names) > 60
    unknown = [name for name in names if name not in BY_NAME]
    assert unknown == []


def test_labels_are_litellms(recorded: Recorded) -> None:
    from litellm.types.integrations.prometheus import PrometheusMetricLabels

    wrong: dict[str, tuple[set[str], set[str]]] = {}
    for name in _names():
        if name not in BY_NAME or not hasattr(PrometheusMetricLabels, name):
            continue
        theirs = set(PrometheusMetricLabels.get_labels(name))  # pyright: ignore[reportArgumentType]
        ours = set(BY_NAME[name].attributes)
        if ours != theirs:
            wrong[name] = (ours - theirs, theirs - ours)
    assert {name: found for name, found in wrong.items() if name not in DIFFERENT} == {}
    assert set(wrong) == {name for name in DIFFERENT if name in wrong}


@pytest.mark.parametrize("name", DIFFERENT)
def test_differences_are_still_there(recorded: Recorded, name: str) -> None:
    from litellm.types.integrations.prometheus import PrometheusMetricLabels

    if not hasattr(PrometheusMetricLabels, name):
        pytest.skip("this LiteLLM does not have it")
    theirs = set(PrometheusMetricLabels.get_labels(name))  # pyright: ignore[reportArgumentType]
    assert set(BY_NAME[name].attributes) != theirs
