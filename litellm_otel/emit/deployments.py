"""Attempts and cooldowns → the metrics of deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litellm_otel import catalogue
from litellm_otel.emit import facts
from litellm_otel.emit.counters import Counters
from litellm_otel.emit.gauges import Gauge
from litellm_otel.emit.histograms import Histogram
from litellm_otel.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter

    from litellm_otel.emit.facts import Facts
    from litellm_otel.emit.histograms import Distributions
    from litellm_otel.model import Attempt, Cooldown, Request
    from litellm_otel.selection import Selection

HEALTHY: Final = 0
FAILING: Final = 1
OUT: Final = 2


class Deployments:
    """What was asked of each deployment, and how it is."""

    def __init__(
        self, meter: Meter, distributions: Distributions, overflowed: Callable[[str], None]
    ) -> None:
        def histogram(metric: catalogue.Metric) -> Histogram:
            return Histogram(distributions, overflowed, metric)

        self._answers = Counters[bool](
            meter,
            overflowed,
            (
                (catalogue.DEPLOYMENT_REQUESTS, lambda _: 1),
                (catalogue.DEPLOYMENT_SUCCESSES, lambda answered: answered),
                (catalogue.DEPLOYMENT_FAILURES, lambda answered: not answered),
            ),
        )
        self._failures = Counters[None](meter, overflowed, ((catalogue.API_FAILURES, lambda _: 1),))
        self._cooldowns = Counters[None](
            meter, overflowed, ((catalogue.DEPLOYMENT_COOLDOWNS, lambda _: 1),)
        )
        self._latency = histogram(catalogue.API_LATENCY)
        self._total_latency = histogram(catalogue.TOTAL_LATENCY)
        self._per_token = histogram(catalogue.LATENCY_PER_OUTPUT_TOKEN)
        self._time_to_first_token = histogram(catalogue.TIME_TO_FIRST_TOKEN)
        self._state = Gauge(meter, overflowed, catalogue.DEPLOYMENT_STATE)
        self._instruments: tuple[Counters[bool] | Counters[None] | Histogram | Gauge, ...] = (
            self._answers,
            self._failures,
            self._cooldowns,
            self._latency,
            self._total_latency,
            self._per_token,
            self._time_to_first_token,
            self._state,
        )

    def first_chunk(self, attempt: Attempt, labels: Facts, seconds: float) -> None:
        self._time_to_first_token.record(labels, seconds, attempt.emitted)

    def attempt_ended(self, attempt: Attempt, labels: Facts) -> None:
        """Once everything is known of it. What never came to a deployment says nothing of one."""
        if not attempt.sent:
            return
        if attempt.outcome in (Outcome.ERROR, Outcome.REJECTED):
            self._failures.add(labels, None)
        if attempt.outcome not in (Outcome.COMPLETED, Outcome.ERROR):
            return
        answered = attempt.outcome == Outcome.COMPLETED
        self._answers.add(labels, answered)
        out = attempt.cooldown_seconds is not None
        self._state.set(labels, HEALTHY if answered else OUT if out else FAILING)
        if not answered:
            return
        self._latency.record(labels, attempt.duration, attempt.emitted)
        made = attempt.usage.output_tokens
        if made:
            first = attempt.time_to_first_chunk
            seconds = (attempt.duration if first is None else first) / made
            self._per_token.record(labels, seconds, attempt.emitted)

    def request_ended(self, request: Request, labels: Facts) -> None:
        """``labels``: those of the attempt that decided it."""
        if request.outcome == Outcome.COMPLETED:
            self._total_latency.record(labels, request.duration, request.emitted)

    @property
    def on(self) -> bool:
        """Whether any of them is counted at all."""
        return any(instrument.on for instrument in self._instruments)

    def cooled_down(self, cooldown: Cooldown, attempt: Attempt | None) -> None:
        if attempt is not None and attempt.deployment_id == cooldown.deployment_id:
            labels = facts.of_attempt(attempt)
        else:
            labels: dict[str, str | None] = {"model_id": cooldown.deployment_id}
        status = cooldown.status_code
        labels["exception_status"] = str(status) if status is not None else None
        self._cooldowns.add(labels, None)
        self._state.set(labels, OUT)

    def select(self, selection: Selection) -> None:
        for instrument in self._instruments:
            instrument.select(selection)

    def clear(self) -> None:
        """What was seen was seen by the parent."""
        for instrument in self._instruments:
            instrument.clear()
