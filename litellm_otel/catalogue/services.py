"""The metrics of what LiteLLM itself depends on and does: its services, jobs and queues.

Names and labels are those of LiteLLM's own ``prometheus_system`` service callback: each service's metrics
have one label, named as the service is and always of that value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litellm_otel.catalogue.metric import LITELLM_LATENCY_BUCKETS, Metric, Workers, gauge


@dataclass(frozen=True, slots=True)
class Service:
    """One of LiteLLM's ``ServiceTypes``, and the metrics there are of it."""

    name: str
    latency: Metric | None
    failed: Metric | None
    total: Metric | None
    size: Metric | None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        given = (self.latency, self.failed, self.total, self.size)
        return tuple(metric for metric in given if metric is not None)


def _named(service: str, what: str) -> str:
    return f"litellm_{service}_{what}"


def _counted(service: str, what: str, *, timed: bool = True) -> Service:
    """A service that is asked things."""
    failed, total = _named(service, "failed_requests"), _named(service, "total_requests")
    latency = Metric(
        _named(service, "latency"),
        "histogram",
        "{second}",
        f"Seconds that {what} took, where it succeeded.",
        (service,),
        _named(service, "latency"),
        LITELLM_LATENCY_BUCKETS,
    )
    return Service(
        service,
        latency if timed else None,
        Metric(
            failed,
            "counter",
            "{request}",
            f"Failures of {what}, by the error's class and LiteLLM's function.",
            (service, "error_class", "function_name"),
            f"{failed}_total",
        ),
        Metric(
            total,
            "counter",
            "{request}",
            f"Every use of {what}, failed ones included.",
            (service,),
            f"{total}_total",
        ),
        None,
    )


def _sized(service: str, what: str, workers: Workers | None = None) -> Service:
    """A queue, or a lock that is held or not."""
    name = _named(service, "size")
    return Service(service, None, None, None, gauge(name, "{item}", what, service, workers=workers))


SERVICES: Final = (
    _counted("redis", "a command to Redis"),
    _counted("postgres", "a query of the database"),
    _counted("batch_write_to_db", "writing spend to the database"),
    _counted("reset_budget_job", "the job that resets budgets"),
    _counted("self", "LiteLLM's own handling of a request"),
    _counted("router", "choosing a deployment"),
    _counted("auth", "authenticating a request"),
    _counted("proxy_pre_call", "the checks before a call"),
    _sized("pod_lock_manager", "1 while this process holds the lock for writing spend.", "sum"),
    _counted("anthropic_wif", "exchanging a token with Anthropic"),
    _counted("anthropic_wif_cache", "a cached token of Anthropic", timed=False),
    _sized(
        "in_memory_daily_spend_update_queue",
        "Updates of daily spend waiting in this process.",
        "sum",
    ),
    _sized("redis_daily_spend_update_queue", "Updates of daily spend waiting in Redis."),
    _sized(
        "redis_daily_end_user_spend_update_queue",
        "Updates of end users' daily spend waiting in Redis.",
    ),
    _counted("redis_daily_org_spend_update_queue", "queueing an organisation's daily spend"),
    _counted("redis_daily_team_spend_update_queue", "queueing a team's daily spend"),
    _sized(
        "redis_daily_agent_spend_update_queue", "Updates of agents' daily spend waiting in Redis."
    ),
    _counted("redis_daily_tag_spend_update_queue", "queueing a tag's daily spend"),
    _sized("in_memory_spend_update_queue", "Updates of spend waiting in this process.", "sum"),
    _sized("redis_spend_update_queue", "Updates of spend waiting in Redis."),
    _counted("redis_window_spend_update_queue", "queueing the spend of a budget's window"),
)
