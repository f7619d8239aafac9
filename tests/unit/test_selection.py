"""Which metrics are sent, and with which labels: as LiteLLM's settings and ours say."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_otel.catalogue import (
    CATALOGUE,
    LITELLMS,
    PROXY_REQUESTS,
    REQUESTS,
    SPEND,
)
from litellm_otel.selection import BY_NAME, DEFAULT, Selection, select


def selected(**settings: Any) -> Selection:
    chosen, errors = select(settings)
    assert errors == []
    return chosen


def names(selection: Selection) -> set[str]:
    return {metric.name for metric in CATALOGUE if selection.labels(metric) is not None}


def test_everything_with_its_own_labels_but_end_users_if_nothing_is_said() -> None:
    for metric in CATALOGUE:
        wanted = tuple(label for label in metric.attributes if label != "end_user")
        assert DEFAULT.labels(metric) == wanted
    assert selected() == DEFAULT


def test_end_users_where_litellm_tells_them_apart() -> None:
    on = selected(enable_end_user_cost_tracking_prometheus_only=True)
    assert on.labels(SPEND) == SPEND.attributes
    off = selected(
        enable_end_user_cost_tracking_prometheus_only=True, disable_end_user_cost_tracking=True
    )
    assert "end_user" not in (off.labels(SPEND) or ())


def test_litellms_groups_leave_ours_alone() -> None:
    groups = [
        {
            "group": "cost",
            "metrics": ["litellm_spend_metric", "litellm_zero_cost_requests_total"],
            "include_labels": ["model", "api_provider"],
        },
        {"group": "proxy", "metrics": ["litellm_proxy_total_requests_metric"]},
    ]
    chosen = selected(prometheus_metrics_config=groups)
    assert names(chosen) & LITELLMS == {
        "litellm_spend_metric",
        "litellm_zero_cost_requests",
        "litellm_proxy_total_requests_metric",
    }
    assert names(chosen) - LITELLMS == {metric.name for metric in CATALOGUE} - LITELLMS
    assert chosen.labels(SPEND) == ("model", "api_provider")
    assert chosen.labels(PROXY_REQUESTS) == DEFAULT.labels(PROXY_REQUESTS)


def test_a_label_it_does_not_have_by_default_can_be_chosen() -> None:
    group = {"metrics": ["litellm_spend_metric"], "include_labels": ["route", "project_alias"]}
    assert selected(prometheus_metrics_config=[group]).labels(SPEND) == ("route", "project_alias")


def test_excluded_metrics_and_labels() -> None:
    chosen = selected(
        prometheus_exclude_metrics=["litellm_spend_metric"],
        prometheus_exclude_labels=["client_ip", "user_agent"],
    )
    assert names(chosen) == {metric.name for metric in CATALOGUE} - {"litellm_spend_metric"}
    for metric in CATALOGUE:
        assert not {"client_ip", "user_agent"} & set(chosen.labels(metric) or ())


def test_custom_labels_are_those_of_what_tells_of_callers() -> None:
    chosen = selected(
        custom_prometheus_metadata_labels=["metadata.cost-center", "9lives"],
        custom_prometheus_tags=["nightly", "User-Agent: curl/*"],
    )
    custom = ("metadata_cost_center", "_9lives", "tag_nightly", "tag_User_Agent__curl__")
    for metric in CATALOGUE:
        labels = chosen.labels(metric) or ()
        assert (labels[-len(custom) :] == custom) is metric.of_callers, metric.name


def test_stream_as_a_label() -> None:
    chosen = selected(prometheus_emit_stream_label=True)
    assert (chosen.labels(PROXY_REQUESTS) or ())[-1] == "stream"
    assert "stream" not in (chosen.labels(SPEND) or ())


def test_our_own_variables_are_about_all_metrics() -> None:
    chosen, errors = select({}, ("litellm_requests_total", "gen_ai.*"), ("*.token.usage",))
    assert errors == []
    assert names(chosen) == {
        REQUESTS.name,
        *(
            metric.name
            for metric in CATALOGUE
            if metric.name.startswith("gen_ai.") and not metric.name.endswith("token.usage")
        ),
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"prometheus_metrics_config": [{"metrics": ["litellm_spend_metrics"]}]},
            "prometheus_metrics_config: there is no metric 'litellm_spend_metrics' "
            "(did you mean 'litellm_spend_metric'?); it is left out",
        ),
        (
            {
                "prometheus_metrics_config": [
                    {"metrics": ["litellm_spend_metric"], "include_labels": ["modell", "team"]}
                ]
            },
            "prometheus_metrics_config: litellm_spend_metric: there is no label 'modell' "
            "(did you mean 'model'?); it is left out",
        ),
        (
            {"prometheus_exclude_metrics": ["litellm_spent_metric"]},
            "prometheus_exclude_metrics: there is no metric 'litellm_spent_metric' "
            "(did you mean 'litellm_spend_metric'?); it is left out",
        ),
        (
            {"prometheus_exclude_labels": ["client-ip"]},
            "prometheus_exclude_labels: there is no label 'client-ip' "
            "(did you mean 'client_ip'?); it is left out",
        ),
        (
            {"custom_prometheus_tags": "nightly"},
            "custom_prometheus_tags: 'nightly' is not a list; write one, of texts",
        ),
        (
            {"prometheus_metrics_config": "all"},
            "prometheus_metrics_config: 'all' is not a list of groups",
        ),
    ],
)
def test_what_is_wrong_is_said_once_and_left_out(settings: dict[str, Any], said: str) -> None:
    chosen, errors = select(settings)
    assert errors == [said]
    if "include_labels" in str(settings):
        assert chosen.labels(SPEND) == ("team",)


def test_a_pattern_that_matches_nothing() -> None:
    chosen, errors = select({}, (), ("litelm_*",))
    assert names(chosen) == {metric.name for metric in CATALOGUE}
    assert len(errors) == 1
    assert errors[0].startswith("LITELLM_OTEL_METRICS_EXCLUDE: there is no metric 'litelm_*'")


def test_every_metric_is_found_by_each_of_its_names() -> None:
    for metric in CATALOGUE:
        for name in (metric.name, metric.prometheus):
            assert BY_NAME[name] is metric
