"""LiteLLM's account of a call that went well → how its caller and its deployment stand now.

Budgets, rate limits and headroom as LiteLLM's proxy knew them for this call, its own overhead, and what it
made of the call's cost. What LiteLLM does not know is not told: no infinity, no maximum integer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from litellm_otel import catalogue, selection
from litellm_otel.model import Identity, Measurement
from litellm_otel.reading.arguments import identity_of, metadata_of
from litellm_otel.reading.budgets import budget
from litellm_otel.reading.providers import shown_base, shown_model
from litellm_otel.reading.shapes import field_at, field_of, number_of, text_of

if TYPE_CHECKING:
    from litellm_otel.catalogue.limits import Budget, RateLimit

_ADDITIVE: Final = frozenset({"pre_call", "post_call"})


@dataclass(frozen=True)
class _Budget:
    """Where LiteLLM's metadata has somebody's budget."""

    metrics: Budget
    spend: str
    maximum: str
    table_maximum: str
    reset_at: str


@dataclass(frozen=True)
class _Limit:
    """Where the headers of LiteLLM's rate limiter have a limit."""

    metrics: RateLimit
    allowed: str
    left: str
    kind: str


_BUDGETS: Final = tuple(
    _Budget(
        catalogue.BUDGETS[holder],
        f"{prefix}_spend",
        f"{prefix}_max_budget",
        f"{prefix}_table_max_budget",
        f"{prefix}_budget_reset_at",
    )
    for holder, prefix in (
        ("key", "user_api_key"),
        ("team", "user_api_key_team"),
        ("user", "user_api_key_user"),
        ("organization", "user_api_key_org"),
    )
)
_LIMITS: Final = tuple(
    _Limit(
        catalogue.RATE_LIMITS[holder],
        f"x-ratelimit-{descriptor}-limit-{unit}",
        f"x-ratelimit-{descriptor}-remaining-{unit}",
        kind,
    )
    for holder, descriptor, unit, kind in (
        ("key", "api_key", "requests", "requests"),
        ("key", "api_key", "tokens", "tokens"),
        ("team", "team", "requests", "requests"),
        ("team", "team", "tokens", "tokens"),
        ("project", "model_per_project", "requests", "requests"),
        ("project", "model_per_project", "tokens", "tokens"),
        ("project", "model_per_project_itpm", "tokens", "input_tokens"),
        ("project", "model_per_project_otpm", "tokens", "output_tokens"),
    )
)


def standing_of(details: Mapping[str, Any]) -> tuple[Measurement, ...]:
    """From ``model_call_details`` once LiteLLM has accounted for the call; nothing before that."""
    payload = _mapping(details.get("standard_logging_object"))
    if not payload:
        return ()
    parameters = _mapping(details.get("litellm_params"))
    metadata = metadata_of(parameters)
    identity = identity_of(metadata)
    reader = _Standing(details, payload, parameters, metadata, identity)
    return tuple(reader.measurements())


class _Standing:
    def __init__(
        self,
        details: Mapping[str, Any],
        payload: Mapping[str, Any],
        parameters: Mapping[str, Any],
        metadata: Mapping[str, Any],
        identity: Identity,
    ) -> None:
        self._payload = payload
        self._parameters = parameters
        self._metadata = metadata
        self._identity = identity
        hidden = _mapping(payload.get("hidden_params"))
        self._overhead = number_of(hidden.get("litellm_overhead_time_ms"))
        self._headers = _mapping(hidden.get("additional_headers"))
        group, model = text_of(payload.get("model_group")), text_of(details.get("model"))
        base = text_of(payload.get("api_base"))
        # Any of them can carry a key.
        self._group = shown_model(group) if group else None
        self._labels = {
            "model": shown_model(model) if model else None,
            "litellm_model_name": shown_model(model) if model else None,
            "model_group": self._group,
            "requested_model": self._group,
            "model_id": text_of(payload.get("model_id")),
            "api_base": shown_base(base) if base else None,
            "api_provider": text_of(payload.get("custom_llm_provider")),
        }

    def measurements(self) -> Iterator[Measurement]:
        yield from self._latencies()
        yield from self._cost()
        yield from self._deployment()
        if self._identity.key_hash:
            yield from self._budgets()
            yield from self._customer()
            yield from self._rate_limits()

    def _measured(self, metric: catalogue.Metric, value: float | None) -> Measurement:
        return Measurement(metric.name, self._labels, value, self._identity)

    def _latencies(self) -> Iterator[Measurement]:
        guardrails = self._guardrail_seconds()
        overhead = (self._overhead or 0.0) / 1000
        if overhead:
            yield self._measured(catalogue.OVERHEAD, overhead)
        if self._overhead is not None or guardrails:
            yield self._measured(catalogue.OVERHEAD_WITH_GUARDRAILS, overhead + guardrails)
        queued = number_of(self._metadata.get("queue_time_seconds"))
        if queued is not None and queued >= 0:
            yield self._measured(catalogue.QUEUE_TIME, queued)

    def _guardrail_seconds(self) -> float:
        """Of those that make a call longer: the ones during the call run beside it."""
        runs: object = self._payload.get("guardrail_information")
        if not runs:
            return 0.0
        several = cast("list[object]", runs) if isinstance(runs, list) else [runs]
        return sum(
            number_of(field_of(run, "duration")) or 0.0
            for run in several
            if _is_additive(field_of(run, "guardrail_mode"))
        )

    def _cost(self) -> Iterator[Measurement]:
        if self._payload.get("cache_hit") is False:
            yield self._measured(catalogue.CACHE_MISSES, 1)
        reason = field_of(self._payload.get("zero_cost_diagnostic"), "reason")
        if reason is not None:
            yield Measurement(
                catalogue.ZERO_COST.name,
                {**self._labels, "reason": str(getattr(reason, "value", reason))},
                1,
                self._identity,
            )

    def _deployment(self) -> Iterator[Measurement]:
        info = _mapping(self._metadata.get("model_info"))
        for metric, name in ((catalogue.TPM_LIMIT, "tpm"), (catalogue.RPM_LIMIT, "rpm")):
            limit = number_of(info.get(name) or self._parameters.get(name))
            if limit is not None:
                yield self._measured(metric, limit)
        for metric, name in (
            (catalogue.REMAINING_REQUESTS, "x_ratelimit_remaining_requests"),
            (catalogue.REMAINING_TOKENS, "x_ratelimit_remaining_tokens"),
        ):
            left = number_of(self._headers.get(name))
            if left is not None:
                yield self._measured(metric, left)

    def _budgets(self) -> Iterator[Measurement]:
        cost = number_of(self._payload.get("response_cost")) or 0.0
        told = self._metadata.get
        for holder in _BUDGETS:
            # As the key tells it; where it leaves that open, as the team or the user has it.
            maximum = number_of(told(holder.maximum))
            if maximum is None:
                maximum = number_of(told(holder.table_maximum))
            reset_at = told(holder.reset_at)
            if maximum is not None or reset_at is not None:
                spend = (number_of(told(holder.spend)) or 0.0) + cost
                yield from budget(
                    holder.metrics, self._labels, spend, maximum, reset_at, self._identity
                )

    def _customer(self) -> Iterator[Measurement]:
        """Where customers are told apart and the proxy has this one's budget at hand."""
        customer = self._identity.end_user
        proxy: Any = sys.modules.get("litellm.proxy.proxy_server")
        if not customer or not selection.current().end_users or proxy is None:
            return
        known = proxy.user_api_key_cache.in_memory_cache.get_cache(f"end_user_id:{customer}")
        cost = number_of(self._payload.get("response_cost")) or 0.0
        yield from budget(
            catalogue.BUDGETS["end_user"],
            self._labels,
            (number_of(field_of(known, "spend")) or 0.0) + cost,
            number_of(field_at(known, ("litellm_budget_table", "max_budget"))),
            None,
            self._identity,
        )

    def _rate_limits(self) -> Iterator[Measurement]:
        for metric, name in (
            (catalogue.KEY_REMAINING_REQUESTS, "requests"),
            (catalogue.KEY_REMAINING_TOKENS, "tokens"),
        ):
            group = self._payload.get("model_group")
            left = number_of(self._metadata.get(f"litellm-key-remaining-{name}-{group}"))
            if left is None:
                left = number_of(self._headers.get(f"x-ratelimit-model_per_key-remaining-{name}"))
            if left is not None:
                # LiteLLM's label ``model`` is the group here.
                labels = {**self._labels, "model": self._group}
                yield Measurement(metric.name, labels, left, self._identity)
        told = self._headers.get
        for limit in _LIMITS:
            allowed = number_of(told(limit.allowed))
            left = number_of(told(limit.left)) if allowed is not None else None
            if allowed is None or left is None:
                continue
            labels = {**self._labels, "rate_limit_type": limit.kind}
            yield Measurement(limit.metrics.allowed.name, labels, allowed, self._identity)
            yield Measurement(limit.metrics.used.name, labels, allowed - left, self._identity)


def _is_additive(mode: object) -> bool:
    modes: list[object] = cast("list[object]", mode) if isinstance(mode, list) else [mode]
    return bool(modes) and all(getattr(one, "value", one) in _ADDITIVE for one in modes)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, (dict, Mapping)) else {}
