"""What LiteLLM tells its own Prometheus callback alone is heard where there is none, and where there is."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest

from litellm_otel import catalogue
from litellm_otel.hooks.configuration import Configuration
from litellm_otel.reading import told
from litellm_otel.selection import BY_NAME
from tests.component.metrics_files import books

if TYPE_CHECKING:
    from tests.component.calls.recorded import Recorded

ADA = {"user": "ada", "user_email": "ada@example.com", "api_key_alias": "ada"}
MODEL = {"model": "gpt-4o", "api_provider": "openai"}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "record_managed_batch_created": (
        {**MODEL, **ADA},
        {"litellm_managed_batch_created": ({**MODEL, **ADA}, 1)},
    ),
    "record_managed_batch_duration": (
        {"duration_seconds": 90.0, **MODEL},
        {"litellm_managed_batch_duration_seconds": (MODEL, 1)},
    ),
    "record_managed_file_created": (
        {**MODEL, **ADA, "user_email": ""},
        {
            "litellm_managed_file_created": (
                {**MODEL, "user": "ada", "api_key_alias": "ada"},
                1,
            )
        },
    ),
    "record_managed_file_deleted": (
        {"result": "blocked"},
        {"litellm_managed_file_deleted": ({"result": "blocked"}, 1)},
    ),
    "record_managed_file_size": (
        {"size_bytes": 2048, "purpose": "batch", "file_type": "input", "model": "gpt-4o"},
        {
            "litellm_managed_file_size_bytes": (
                {"purpose": "batch", "file_type": "input", "model": "gpt-4o"},
                2048,
            )
        },
    ),
    "record_check_batch_cost_run": (
        {"jobs_polled": 4, "processed_models": [("gpt-4o", "openai")]},
        {
            "litellm_check_batch_cost_jobs_polled": ({}, 4),
            "litellm_check_batch_cost_jobs_processed": (MODEL, 1),
        },
    ),
    "record_check_batch_cost_error": (
        {"error_type": "cost_tracking_error"},
        {"litellm_check_batch_cost_errors": ({"error_type": "cost_tracking_error"}, 1)},
    ),
}
"""By method: what is told, and the series that come of it."""


@pytest.fixture
def nobody() -> None:
    """LiteLLM's callback is not registered."""
    import litellm
    from litellm.integrations.prometheus import PrometheusLogger

    assert not any(isinstance(callback, PrometheusLogger) for callback in litellm.callbacks)


@pytest.fixture
def litellms_own() -> Iterator[Any]:
    """LiteLLM's callback, registered."""
    import litellm
    from litellm.integrations.prometheus import PrometheusLogger
    from prometheus_client import REGISTRY

    before = set(REGISTRY._names_to_collectors.values())
    callback = PrometheusLogger()
    litellm.callbacks.append(callback)
    yield callback
    litellm.callbacks.remove(callback)
    for collector in set(REGISTRY._names_to_collectors.values()) - before:
        REGISTRY.unregister(collector)


def assert_all_is_heard(recorded: Recorded) -> None:
    from litellm.integrations.prometheus import PrometheusLogger

    started = time.time()
    for name, (given, _) in CASES.items():
        callback: Any = PrometheusLogger.get_instance()
        getattr(callback, name)(**given)
    for _, series in CASES.values():
        for name, (labels, value) in series.items():
            kind = BY_NAME[name].kind
            seen = recorded.values(name) if kind == "gauge" else recorded.increments(name)
            assert seen == {frozenset(labels.items()): value}, name
    (moment,) = recorded.values(catalogue.BATCH_CHECK_TIME.name).values()
    assert started <= moment <= time.time()


@pytest.mark.usefixtures("nobody")
def test_in_the_callbacks_place(recorded: Recorded) -> None:
    assert_all_is_heard(recorded)


def test_beside_the_callback(recorded: Recorded, litellms_own: Any) -> None:
    from litellm.integrations.prometheus import PrometheusLogger

    assert PrometheusLogger.get_instance() is litellms_own
    assert_all_is_heard(recorded)
    own = litellms_own.litellm_managed_file_deleted_total.labels(result="blocked")
    assert own._value.get() == 1


@pytest.mark.usefixtures("nobody")
def test_what_is_not_for_us_passes(recorded: Recorded) -> None:
    from litellm.integrations.prometheus import PrometheusLogger

    callback: Any = PrometheusLogger.get_instance()
    assert callback
    assert callback.told_by_a_later_version("x", y=1) is None
    assert not hasattr(callback, "__fspath__")


@pytest.mark.usefixtures("nobody")
def test_members_of_a_team(recorded: Recorded) -> None:
    """By the function that LiteLLM's management endpoints call when they have changed."""
    from litellm.proxy._types import LiteLLM_TeamTable, Member
    from litellm.proxy.management_endpoints import team_endpoints

    members = [Member(user_id=each, role="user") for each in ("ada", "bob")]
    team = LiteLLM_TeamTable(team_id="team-1", team_alias="one", members_with_roles=members)
    team_endpoints._emit_team_members_metric(team)
    labels = frozenset({"team": "team-1", "team_alias": "one"}.items())
    assert recorded.values(catalogue.TEAM_MEMBERS.name) == {labels: 2}


@pytest.mark.usefixtures("nobody")
async def test_what_breaks_of_ours_is_not_litellms(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from litellm.integrations.prometheus import PrometheusLogger

    def breaks(_: told.Given) -> Any:
        raise RuntimeError("ours broke")

    method, row = "record_managed_file_deleted", "_set_team_budget_metrics"
    monkeypatch.setitem(cast("dict[str, Any]", told.TOLD), method, breaks)
    monkeypatch.setitem(cast("dict[str, Any]", told.BUDGETS), row, breaks)
    callback: Any = PrometheusLogger.get_instance()
    assert callback.record_managed_file_deleted(result="success") is None
    assert callback.record_managed_file_deleted("an argument", "too many") is None
    assert "the call is not affected" in caplog.text

    await books.read()
    assert recorded.values(catalogue.USERS.name) == {frozenset(): books.USERS}


def test_every_method_that_is_heard_is_the_callbacks(recorded: Recorded) -> None:
    from litellm.integrations.prometheus import PrometheusLogger

    assert set(CASES) == set(told.TOLD) - {"set_team_members_metric"}
    for name, (given, _) in CASES.items():
        inspect.signature(getattr(PrometheusLogger, name)).bind(None, **given)
    for name in told.BUDGETS:
        assert inspect.isfunction(getattr(PrometheusLogger, name))


BOOKED: dict[str, tuple[dict[str, str], float, float, float]] = {
    "key": ({"hashed_api_key": "hash-booked", "api_key_alias": "booked"}, 7.5, 10.0, 48),
    "team": ({"team": "team-booked", "team_alias": "booked"}, 175.0, 200.0, 24),
    "user": ({"user": "booked"}, -1.0, 5.0, 96),
    "organization": ({"org_id": "org-booked", "org_alias": "booked"}, 200.0, 300.0, 72),
    "end_user": ({"end_user": "booked"}, 30.0, 50.0, 120),
}
"""Labels, and US dollars left, US dollars in all, hours to go: of those with a budget alone."""


@pytest.fixture
def customers_are_told_apart(recorded: Recorded) -> Iterator[None]:
    import litellm

    recorder = recorded.instrumentor._recorder
    assert recorder is not None
    configuration = Configuration(recorder)
    litellm.enable_end_user_cost_tracking_prometheus_only = True
    configuration.read()
    yield
    litellm.enable_end_user_cost_tracking_prometheus_only = None
    configuration.read()


@pytest.mark.usefixtures("nobody", "customers_are_told_apart")
async def test_budgets_and_counts_of_the_database(recorded: Recorded) -> None:
    """Of those who have asked nothing yet, too, as LiteLLM's own callback tells them."""
    await books.read()

    for holder, (labels, left, maximum, hours) in BOOKED.items():
        metrics, series = catalogue.BUDGETS[holder], frozenset(labels.items())
        assert recorded.values(metrics.remaining.name) == {series: left}, holder
        assert recorded.values(metrics.maximum.name) == {series: maximum}, holder
        assert recorded.values(metrics.hours.name) == {series: pytest.approx(hours, abs=0.1)}
    for metric, count in (
        (catalogue.USERS, books.USERS),
        (catalogue.ACTIVE_USERS, books.USERS - books.DEACTIVATED),
        (catalogue.TEAMS, 2),
    ):
        assert recorded.values(metric.name) == {frozenset(): count}
