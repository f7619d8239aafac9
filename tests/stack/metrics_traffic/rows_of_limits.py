"""The metrics of budgets and rate limits: what callers have, and what their last request left of it.

What they have is in ``callers.py``, which runs in the proxy.
"""

from __future__ import annotations

from collections.abc import Callable

from litellm_otel import catalogue
from tests.stack.metrics_traffic.row import ADA, Facts, Row, caller
from tests.stack.metrics_traffic.site import PROVIDER_BUDGET
from tests.stack.metrics_traffic.traffic import Traffic

HOURS = 0.2
"""How much of an hour the test may take."""
SET_ASIDE = 12
"""Tokens that LiteLLM sets aside for a call under way: what it may answer, and a guess at the question."""
REX: Facts = {
    **caller("rex"),
    "team": "team-9",
    "team_alias": "limited",
    "project_id": "project-5",
    "project_alias": "gemini",
    "model": "fast",
    "requested_model": "fast",
    "model_id": "fast-1",
    "rate_limit_type": "requests",
}


def left_of(budget: float) -> Callable[[Traffic], float]:
    """What the newest answer has left of it."""
    return lambda traffic: budget - traffic.last("ada").cost


def fixed(value: float) -> Callable[[Traffic], float]:
    return lambda _: value


def requests(traffic: Traffic) -> float:
    return traffic.count("fast", "rex")


def tokens(traffic: Traffic) -> float:
    """As LiteLLM counted them when the newest call was let in."""
    *before, _ = traffic.of("fast", "rex")
    return sum(asked.usage["total_tokens"] for asked in before) + SET_ASIDE


def left_of_providers(traffic: Traffic) -> float:
    """Before the newest call, when a deployment was picked for it."""
    *before, _ = traffic.of("claude")
    return PROVIDER_BUDGET - sum(asked.cost for asked in before) - traffic.cost("federated", "bob")


LIMITS = (
    *(
        row
        for whose, left, maximum, hours in (
            ("key", 10.0 - 2.5, 10.0, 5.0),
            ("team", 100.0 - 40.0, 100.0, 6.0),
            ("user", 50.0 - 5.0, 50.0, 7.0),
        )
        for row in (
            Row(catalogue.BUDGETS[whose].remaining, left_of(left), ADA),
            Row(catalogue.BUDGETS[whose].maximum, fixed(maximum), ADA),
            Row(catalogue.BUDGETS[whose].hours, fixed(hours), ADA, tolerance=HOURS),
        )
    ),
    *(
        row
        for whose, left, maximum in (
            ("organization", 1000.0 - 300.0, 1000.0),
            ("end_user", 80.0 - 20.0, 80.0),
        )
        for row in (
            Row(catalogue.BUDGETS[whose].remaining, left_of(left), ADA),
            Row(catalogue.BUDGETS[whose].maximum, fixed(maximum), ADA),
        )
    ),
    Row(catalogue.PROVIDER_BUDGET, left_of_providers, {"api_provider": "anthropic"}),
    Row(catalogue.RATE_LIMITS["key"].allowed, fixed(100), REX),
    Row(catalogue.RATE_LIMITS["key"].used, requests, REX),
    Row(catalogue.RATE_LIMITS["team"].allowed, fixed(200), REX),
    Row(catalogue.RATE_LIMITS["team"].used, requests, REX),
    Row(
        catalogue.RATE_LIMITS["project"].allowed,
        fixed(40_000),
        {**REX, "rate_limit_type": "tokens"},
    ),
    Row(catalogue.RATE_LIMITS["project"].used, tokens, {**REX, "rate_limit_type": "tokens"}),
    Row(catalogue.KEY_REMAINING_REQUESTS, lambda t: 300 - requests(t), REX),
    Row(catalogue.KEY_REMAINING_TOKENS, lambda t: 30_000 - tokens(t), REX),
)
