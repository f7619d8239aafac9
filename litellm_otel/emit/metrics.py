"""Records → metrics of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from litellm_otel import catalogue
from litellm_otel import selection as selections
from litellm_otel.emit import facts, names
from litellm_otel.emit.counters import Counters
from litellm_otel.emit.deployments import Deployments
from litellm_otel.emit.facts import OTHER
from litellm_otel.emit.histograms import Histogram
from litellm_otel.emit.services import Services
from litellm_otel.emit.told import Told
from litellm_otel.emit.usage import MEASURES, TOOL_MEASURES
from litellm_otel.model import Outcome
from litellm_otel.model.vocabulary import STATUS_OF_OUTCOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter

    from litellm_otel.emit.distributions import Labels
    from litellm_otel.emit.facts import Facts
    from litellm_otel.emit.histograms import Distributions
    from litellm_otel.model import Attempt, Request
    from litellm_otel.selection import Selection

NO_PROVIDER = "none"
"""The ``provider`` of what never came to one."""


def _gen_ai(attempt: Attempt) -> Labels:
    """What all metrics of the GenAI conventions have as labels."""
    return (
        attempt.operation,
        names.gen_ai_provider_name(attempt.provider),
        attempt.model or None,
        attempt.response.model,
        attempt.server_address,
        attempt.server_port,
    )


class Metrics:
    """Records each event once: requests when answered, attempts when settled."""

    def __init__(
        self,
        meter: Meter,
        distributions: Distributions,
        in_flight: Callable[[], int | None],
        hooks: Callable[[], dict[str, str]],
    ) -> None:
        self._before_collection: Callable[[], None] | None = None

        def observe_in_flight(_: CallbackOptions) -> Iterable[Observation]:
            if self._before_collection is not None:
                self._before_collection()
            requests = in_flight()
            return [] if requests is None else [Observation(requests)]

        # The first instrument: its callback runs before the others', which read what it brings in.
        metric = catalogue.IN_FLIGHT
        meter.create_observable_up_down_counter(
            metric.name, [observe_in_flight], metric.unit, metric.description
        )

        def unbounded(_: str) -> None:
            """There are no more series of it than metrics."""

        self._overflowed = Counters[None](
            meter, unbounded, ((catalogue.SERIES_DROPPED, lambda _: 1),)
        )

        def overflowed(metric: str) -> None:
            self._overflowed.add({"metric": metric}, None)

        def histogram(metric: catalogue.Metric) -> Histogram:
            return Histogram(distributions, overflowed, metric)

        self.services = Services(meter, distributions, overflowed)
        self.told = Told(meter, distributions, overflowed)
        self.deployments = Deployments(meter, distributions, overflowed)
        self._requests = Counters[None](meter, overflowed, ((catalogue.REQUESTS, lambda _: 1),))
        self._proxied = Counters["Request"](
            meter,
            overflowed,
            (
                (catalogue.PROXY_REQUESTS, lambda _: 1),
                (
                    catalogue.PROXY_FAILURES,
                    lambda request: request.outcome in (Outcome.ERROR, Outcome.REJECTED),
                ),
            ),
        )
        self._errors = Counters[None](
            meter, overflowed, ((catalogue.PROVIDER_ERRORS, lambda _: 1),)
        )
        self._usage = Counters["Attempt"](meter, overflowed, MEASURES)
        self._tools = Counters["Attempt"](meter, overflowed, TOOL_MEASURES)
        self._latency = histogram(catalogue.REQUEST_LATENCY)
        self._duration = histogram(catalogue.OPERATION_DURATION)
        self._token_usage = histogram(catalogue.TOKEN_USAGE)
        self._first_chunk = histogram(catalogue.TIME_TO_FIRST_CHUNK)
        self._per_chunk = histogram(catalogue.TIME_PER_OUTPUT_CHUNK)
        self._cost = histogram(catalogue.COST)
        self._first_token = histogram(catalogue.TIME_TO_FIRST_TOKEN_SEEN)
        self._answered = histogram(catalogue.RESPONSE_DURATION)
        self._families = (
            self.services,
            self.told,
            self.deployments,
            self._overflowed,
            self._requests,
            self._proxied,
            self._errors,
            self._usage,
            self._tools,
            self._latency,
            self._duration,
            self._token_usage,
            self._first_chunk,
            self._per_chunk,
            self._cost,
            self._first_token,
            self._answered,
        )

        def observe_hooks(_: CallbackOptions) -> Iterable[Observation]:
            return [
                Observation(1, {"hook": hook, "state": state}) for hook, state in hooks().items()
            ]

        self._known: tuple[Attempt, Facts] | None = None
        """The attempt counted last, which mostly decides the request counted next, and its labels."""
        self.select(selections.current())
        metric = catalogue.HOOKS
        meter.create_observable_gauge(metric.name, [observe_hooks], metric.unit, metric.description)

    def before_collection(self, work: Callable[[], None]) -> None:
        """Have ``work`` done before metrics are read."""
        self._before_collection = work

    def select(self, selection: Selection) -> None:
        """Send these, with these labels, from now on."""
        for family in self._families:
            family.select(selection)
        self._by_caller = any(
            family.on for family in (self.deployments, self._usage, self._tools, self._proxied)
        )

    def request_ended(self, request: Request) -> None:
        attempt = request.last_attempt
        labels = (
            request.model or OTHER,
            (attempt.provider if attempt is not None else None) or NO_PROVIDER,
            STATUS_OF_OUTCOME[request.outcome],
        )
        self._requests.add(dict(zip(catalogue.REQUESTS.attributes, labels, strict=True)), None)
        self._latency.record_labels(labels, request.duration, request.emitted)
        deciding: Facts | None = None
        if attempt is not None and self._by_caller:
            deciding = self._facts_of(attempt)
            self.deployments.request_ended(request, deciding)
        if request.proxied and self._proxied.on:
            self._proxied.add(facts.of_request(request, deciding), request)

    def _facts_of(self, attempt: Attempt) -> Facts:
        if self._known is not None and self._known[0] is attempt:
            known, self._known = self._known[1], None
            return known
        return facts.of_attempt(attempt)

    def attempt_ended(self, attempt: Attempt) -> None:
        common = _gen_ai(attempt)
        failure = attempt.failure
        if failure is not None:
            self._errors.add(
                {
                    "model": attempt.call.model,
                    "provider": attempt.provider or NO_PROVIDER,
                    "kind": failure.kind,
                },
                None,
            )
        if attempt.sent:
            error_type = failure.type if failure is not None else None
            self._duration.record_labels((*common, error_type), attempt.duration, attempt.emitted)
            if attempt.outcome == Outcome.COMPLETED:
                self._answered.record_labels(common, attempt.duration, attempt.emitted)
        first = attempt.time_to_first_chunk
        if first is not None:
            self._record_stream(attempt, common, first)
        counts = attempt.counted and not attempt.delegated
        if counts and attempt.sent:
            self._record_tokens(attempt, common)
        if counts and attempt.cost:
            self._cost.record_labels(common, attempt.cost, attempt.emitted)
        if not self._by_caller:
            return
        labels = facts.of_attempt(attempt)
        self._known = attempt, labels
        if first is not None:
            self.deployments.first_chunk(attempt, labels, first)
        if counts:
            self._usage.add(labels, attempt)
            if attempt.of_tool:
                self._tools.add(labels, attempt)
            self.deployments.attempt_ended(attempt, labels)

    def _record_stream(self, attempt: Attempt, common: Labels, first: float) -> None:
        span = attempt.emitted
        self._first_chunk.record_labels(common, first, span)
        self._first_token.record_labels(common, first, span)
        per_chunk = attempt.time_per_output_chunk
        if per_chunk is not None:
            self._per_chunk.record_labels(common, per_chunk, span)

    def _record_tokens(self, attempt: Attempt, common: Labels) -> None:
        usage, span = attempt.usage, attempt.emitted
        if usage.input_tokens is not None:
            self._token_usage.record_labels((*common, "input"), usage.input_tokens, span)
        if usage.output_tokens is not None:
            self._token_usage.record_labels((*common, "output"), usage.output_tokens, span)

    def late_cost(self, attempt: Attempt) -> None:
        """The cost of an attempt that was counted without one."""
        if attempt.delegated or not attempt.counted:
            return
        cost = attempt.cost or 0.0
        self._usage.add_to(catalogue.SPEND, facts.of_attempt(attempt), cost)
        if cost:
            self._cost.record_labels(_gen_ai(attempt), cost, attempt.emitted)

    def after_fork(self) -> None:
        """What was counted is the parent's."""
        self._known = None
        for family in self._families:
            family.clear()
