"""Attempts and cooldowns → the metrics of deployments."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import Observation

from litellm_otel import catalogue
from litellm_otel.emit.cells import MAX_SERIES, counters, labelled
from litellm_otel.emit.distributions import CellDistribution
from litellm_otel.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import CallbackOptions, Meter

    from litellm_otel.catalogue import Metric
    from litellm_otel.emit.distributions import Distribution
    from litellm_otel.model import Attempt, Cooldown, Request

    Labels = tuple[str | None, ...]

HEALTHY: Final = 0
FAILING: Final = 1
OUT: Final = 2


class Deployments:
    """What was asked of each deployment, and how it is."""

    def __init__(
        self,
        meter: Meter,
        distribution: Callable[[Metric, Callable[[str], None]], Distribution],
        overflowed: Callable[[str], None],
    ) -> None:
        self._answers = counters(
            meter, overflowed, catalogue.DEPLOYMENT_SUCCESSES, catalogue.DEPLOYMENT_REQUESTS
        )
        self._failures = counters(meter, overflowed, catalogue.DEPLOYMENT_FAILURES)
        self._cooldowns = counters(meter, overflowed, catalogue.DEPLOYMENT_COOLDOWNS)
        self._latency = distribution(catalogue.API_LATENCY, overflowed)
        self._total_latency = distribution(catalogue.TOTAL_LATENCY, overflowed)
        self._per_token = distribution(catalogue.LATENCY_PER_OUTPUT_TOKEN, overflowed)
        self._states: OrderedDict[Labels, int] = OrderedDict()
        metric = catalogue.DEPLOYMENT_STATE
        meter.create_observable_gauge(
            metric.name, [self._observe_states], metric.unit, metric.description
        )

    def attempt_ended(self, attempt: Attempt) -> None:
        """Once everything is known of it. What never came to a deployment says nothing of one."""
        if not attempt.sent or attempt.outcome not in (Outcome.COMPLETED, Outcome.ERROR):
            return
        deployment = _deployment(attempt)
        asked = (attempt.model_group or None, attempt.call.model or None, *deployment)
        if attempt.outcome == Outcome.ERROR:
            failure = attempt.failure
            status = failure.status_code if failure is not None else None
            self._failures.add(
                (
                    *asked,
                    str(status) if status is not None else None,
                    failure.type if failure is not None else None,
                ),
                1,
            )
            self._answers.add(asked, 0, 1)
            self._is(deployment, FAILING)
            return
        self._answers.add(asked, 1, 1)
        self._is(deployment, HEALTHY)
        self._latency.record(_latency_labels(attempt), attempt.duration, attempt.emitted)
        made = attempt.usage.output_tokens
        if made:
            first = attempt.time_to_first_chunk
            seconds = (attempt.duration if first is None else first) / made
            self._per_token.record(
                (attempt.model_group or None, *deployment), seconds, attempt.emitted
            )

    def request_ended(self, request: Request) -> None:
        attempt = request.last_attempt
        if attempt is not None and request.outcome == Outcome.COMPLETED:
            labels = _latency_labels(attempt)
            self._total_latency.record(labels, request.duration, request.emitted)

    def cooled_down(self, cooldown: Cooldown, attempt: Attempt | None) -> None:
        deployment: Labels = (None, cooldown.deployment_id, None, None)
        if attempt is not None and attempt.deployment_id == cooldown.deployment_id:
            deployment = _deployment(attempt)
        status = cooldown.status_code
        self._cooldowns.add((*deployment, str(status) if status is not None else None), 1)
        self._is(deployment, OUT)

    def _is(self, deployment: Labels, state: int) -> None:
        self._states[deployment] = state
        self._states.move_to_end(deployment)
        if len(self._states) > MAX_SERIES:
            self._states.popitem(last=False)

    def _observe_states(self, _: CallbackOptions) -> list[Observation]:
        names = catalogue.DEPLOYMENT_STATE.attributes
        return [
            Observation(state, labelled(names, labels))
            for labels, state in list(self._states.items())
        ]

    def after_fork(self) -> None:
        """What was seen was seen by the parent."""
        self._states.clear()
        for sums in (self._answers, self._failures, self._cooldowns):
            sums.clear()
        for made in (self._latency, self._total_latency, self._per_token):
            if isinstance(made, CellDistribution):
                made.after_fork()


def _deployment(attempt: Attempt) -> Labels:
    return (
        attempt.model or None,
        attempt.deployment_id,
        attempt.api_base,
        attempt.provider or None,
    )


def _latency_labels(attempt: Attempt) -> Labels:
    return (
        attempt.model_group or None,
        attempt.model or None,
        attempt.call.model or None,
        attempt.deployment_id,
        attempt.provider or None,
    )
