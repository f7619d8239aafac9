"""The metrics of what LiteLLM depends on and of its jobs, most of which are run in the proxy's process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from litellm_otel import catalogue
from tests.stack.metrics_traffic.row import By, Facts, Row, Value
from tests.stack.metrics_traffic.traffic import Traffic

TOLD: Facts = {"error_class": "KeyError", "function_name": "told"}
"""The failure that LiteLLM's event tells of."""
SERVICES = {service.name: service for service in catalogue.SERVICES}
QUEUED_TWICE = (
    "redis_daily_org_spend_update_queue",
    "redis_daily_team_spend_update_queue",
    "redis_daily_tag_spend_update_queue",
    "redis_window_spend_update_queue",
)


def _fixed(value: float) -> Callable[[Traffic], float]:
    return lambda _: value


ONCE = _fixed(1)


def _counted(
    name: str,
    succeeded: Callable[[Traffic], Value],
    failed: Callable[[Traffic], float] = ONCE,
    failure: Facts = TOLD,
    by: By = By.JOBS,
    failure_by: By = By.JOBS,
    total: Callable[[Traffic], Value] | None = None,
) -> Iterator[Row]:
    """A service that is asked things; ``total``: how often, where there are other failures as well."""
    service, label = SERVICES[name], {name: name}

    def both(traffic: Traffic) -> Value:
        good = succeeded(traffic)
        assert not isinstance(good, tuple)
        return good + failed(traffic)

    if service.latency is not None:
        yield Row(service.latency, succeeded, label, by=by)
    assert service.failed is not None
    yield Row(service.failed, failed, {**label, **failure}, by=failure_by)
    assert service.total is not None
    yield Row(service.total, total or both, label, by=by)


def _sized(name: str, size: float, label: Callable[[Traffic], str] | None = None) -> Row:
    metric = SERVICES[name].size
    assert metric is not None
    # LiteLLM's own metrics have a member of its enumeration there.
    return Row(metric, _fixed(size), {name: label or f"ServiceTypes.{name.upper()}"}, by=By.JOBS)


def _counted_too(
    name: str,
    at_least: Callable[[Traffic], float],
    failed: Callable[[Traffic], float] = ONCE,
    failure: Facts = TOLD,
    failure_by: By = By.EVENTS,
) -> Iterator[Row]:
    """One that is LiteLLM's own business. It counts too, here before and after the series are read."""

    def between(sample: str) -> Callable[[Traffic], Value]:
        return lambda traffic: (
            max(at_least(traffic), traffic.counted_before[sample]),
            traffic.counted_after[sample],
        )

    succeeded = between(f"litellm_{name}_latency_count")
    total = between(f"litellm_{name}_total_requests_total")
    return _counted(name, succeeded, failed, failure, By.REQUESTS, failure_by, total)


def _answered(traffic: Traffic) -> float:
    return sum(asked.status == 200 for asked in traffic.asked)


def _transactions(traffic: Traffic) -> float:
    return traffic.driven["cleans_up"]["transactions"]


OF_SERVICES = (
    *_counted_too(
        "redis",
        _answered,
        lambda t: t.driven["loses_redis"]["asked"],
        {"error_class": "ConnectionError", "function_name": "async_set_cache"},
        By.JOBS,
    ),
    *_counted(
        "postgres",
        lambda t: _transactions(t) - 1,
        failure={"error_class": "ConnectError", "function_name": "cleanup_expired_rows"},
    ),
    *_counted("batch_write_to_db", ONCE, by=By.EVENTS, failure_by=By.EVENTS),
    *_counted(
        "reset_budget_job",
        ONCE,
        failure={"error_class": "RuntimeError", "function_name": "reset_budget_users"},
    ),
    *(
        row
        for name in ("self", "router", "proxy_pre_call")
        for row in _counted_too(name, _answered)
    ),
    *_counted("auth", lambda t: t.by_operator, by=By.REQUESTS, failure_by=By.EVENTS),
    _sized("pod_lock_manager", 1, lambda t: f"held:{t.driven['holds_locks']['pod']}"),
    # The first of its calls is for a token, which the others have at hand.
    *_counted(
        "anthropic_wif",
        ONCE,
        lambda t: t.count("denied", "bob"),
        {"error_class": "TokenExchangeEndpointFailure", "function_name": "cold_mint"},
        By.REQUESTS,
        By.REQUESTS,
    ),
    *_counted(
        "anthropic_wif_cache",
        lambda t: t.count("federated", "bob") - 1,
        by=By.REQUESTS,
        failure_by=By.EVENTS,
    ),
    *(row for name in QUEUED_TWICE for row in _counted(name, _fixed(2), failure_by=By.EVENTS)),
    _sized("in_memory_spend_update_queue", 1),
    _sized("in_memory_daily_spend_update_queue", 1),
    _sized("redis_spend_update_queue", 2),
    _sized("redis_daily_spend_update_queue", 2),
    _sized("redis_daily_end_user_spend_update_queue", 2),
    _sized("redis_daily_agent_spend_update_queue", 2),
)
_LOGS: Facts = {"table": "LiteLLM_SpendLogs"}
JOBS = tuple(
    Row(metric, value, facts, by=By.JOBS)
    for metric, value, facts in (
        (catalogue.CLEANUP_ROWS_DELETED, _fixed(3 + 2), _LOGS),
        # Two batches, and one that finds nothing left.
        (catalogue.CLEANUP_BATCH_DURATION, _fixed(3), _LOGS),
        (catalogue.CLEANUP_ROWS_REMAINING, _fixed(7), _LOGS),
        (catalogue.CLEANUP_FAILURES, ONCE, _LOGS),
        (catalogue.CLEANUP_RUNS, ONCE, {"outcome": "completed"}),
        (catalogue.SPEND_CAPTURE_RATE, _fixed(30 / 40), {"api_provider": "openai"}),
        (catalogue.BREAKER_STATE, ONCE, {"state": "open"}),
        (catalogue.BREAKER_TRANSITIONS, ONCE, {"state": "open"}),
        (
            catalogue.BREAKER_FAILURES,
            lambda t: t.driven["loses_redis"]["asked"],
            {"failure_class": "connectivity"},
        ),
    )
)
