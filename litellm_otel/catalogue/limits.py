"""The metrics of budgets and of the proxy's own rate limits: what is allowed, and what is left of it.

Where LiteLLM's own endpoint shows infinity or a maximum integer for what has no limit, these show nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from litellm_otel.catalogue.labels import KEY, ORGANIZATION, TEAM
from litellm_otel.catalogue.metric import Metric, gauge


@dataclass(frozen=True, slots=True)
class Budget:
    """The metrics of one kind of budget."""

    remaining: Metric
    maximum: Metric
    hours: Metric

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.remaining, self.maximum, self.hours


def _budget(name: str, whose: str, *labels: str) -> Budget:
    return Budget(
        gauge(
            f"litellm_remaining_{name}_budget_metric",
            "{USD}",
            f"US dollars left of {whose} budget; below 0 where it is overspent.",
            *labels,
        ),
        gauge(
            f"litellm_{name}_max_budget_metric", "{USD}", f"US dollars of {whose} budget.", *labels
        ),
        gauge(
            f"litellm_{name}_budget_remaining_hours_metric",
            "{hour}",
            f"Hours until {whose} budget begins anew.",
            *labels,
        ),
    )


BUDGETS: Final[Mapping[str, Budget]] = {
    "key": _budget("api_key", "a virtual key's", *KEY),
    "team": _budget("team", "a team's", *TEAM),
    "user": _budget("user", "a user's", "user"),
    "organization": _budget("org", "an organisation's", *ORGANIZATION),
    "end_user": _budget("customer", "a customer's", "end_user"),
}
"""By who has it. A customer's only where ``end_user`` is a label at all."""
PROVIDER_BUDGET: Final = gauge(
    "litellm_provider_remaining_budget_metric",
    "{USD}",
    "US dollars left of a provider's budget in the Router's settings.",
    "api_provider",
)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The metrics of one kind of rate limit."""

    allowed: Metric
    used: Metric


def _limit(name: str, whose: str, *labels: str) -> RateLimit:
    return RateLimit(
        *(
            gauge(
                f"litellm_{name}_rate_limit_{what}_metric",
                "{item}",
                f"Requests or tokens a window that {whose} {has}, by `rate_limit_type`.",
                *labels,
                "rate_limit_type",
            )
            for what, has in (("allowed", "may use"), ("used", "has used"))
        )
    )


RATE_LIMITS: Final[Mapping[str, RateLimit]] = {
    "key": _limit("api_key", "a virtual key", *KEY),
    "team": _limit("team", "a team", *TEAM),
    "project": _limit(
        "project_model", "a project", "project_id", "project_alias", "requested_model"
    ),
}
_KEY_AND_MODEL: Final = (*KEY, "model", "model_id")
KEY_REMAINING_REQUESTS: Final = gauge(
    "litellm_remaining_api_key_requests_for_model",
    "{request}",
    "Requests left to a virtual key for a model in this window.",
    *_KEY_AND_MODEL,
)
KEY_REMAINING_TOKENS: Final = gauge(
    "litellm_remaining_api_key_tokens_for_model",
    "{token}",
    "Tokens left to a virtual key for a model in this window.",
    *_KEY_AND_MODEL,
)
LIMITS: Final = (
    *(metric for budget in BUDGETS.values() for metric in budget.metrics),
    PROVIDER_BUDGET,
    *(metric for limit in RATE_LIMITS.values() for metric in (limit.allowed, limit.used)),
    KEY_REMAINING_REQUESTS,
    KEY_REMAINING_TOKENS,
)
