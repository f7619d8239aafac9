"""Records → metrics of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from litellm_otel import catalogue
from litellm_otel.emit import names
from litellm_otel.emit.cells import counters
from litellm_otel.emit.deployments import Deployments
from litellm_otel.emit.distributions import CellDistribution
from litellm_otel.emit.services import Services
from litellm_otel.emit.usage import UsageCounters
from litellm_otel.model.vocabulary import STATUS_OF_OUTCOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter

    from litellm_otel.catalogue import Metric
    from litellm_otel.emit.distributions import Distribution, Labels
    from litellm_otel.model import Attempt, Request

NO_PROVIDER = "none"
"""The ``provider`` of what never came to one."""
UNKNOWN_MODEL = "other"
"""The ``model`` of requests for something LiteLLM does not serve: clients can make up any name."""


class Metrics:
    """Records each event once: requests when answered, attempts when settled."""

    def __init__(
        self,
        meter: Meter,
        distribution: Callable[[Metric, Callable[[str], None]], Distribution],
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

        self._overflowed = counters(meter, None, catalogue.SERIES_DROPPED)

        def overflowed(metric: str) -> None:
            self._overflowed.add((metric,), 1)

        self.services = Services(meter, distribution, overflowed)
        self.deployments = Deployments(meter, distribution, overflowed)
        self._requests = counters(meter, overflowed, catalogue.REQUESTS)
        self._errors = counters(meter, overflowed, catalogue.PROVIDER_ERRORS)
        self._usage = UsageCounters(meter, overflowed)
        self._latency = distribution(catalogue.REQUEST_LATENCY, overflowed)
        self._time_to_first_token = distribution(catalogue.TIME_TO_FIRST_TOKEN, overflowed)
        self._duration = distribution(catalogue.OPERATION_DURATION, overflowed)
        self._token_usage = distribution(catalogue.TOKEN_USAGE, overflowed)
        self._first_chunk = distribution(catalogue.TIME_TO_FIRST_CHUNK, overflowed)
        self._per_chunk = distribution(catalogue.TIME_PER_OUTPUT_CHUNK, overflowed)

        def observe_hooks(_: CallbackOptions) -> Iterable[Observation]:
            return [
                Observation(1, {"hook": hook, "state": state}) for hook, state in hooks().items()
            ]

        metric = catalogue.HOOKS
        meter.create_observable_gauge(metric.name, [observe_hooks], metric.unit, metric.description)

    def before_collection(self, work: Callable[[], None]) -> None:
        """Have ``work`` done before metrics are read."""
        self._before_collection = work

    def request_ended(self, request: Request) -> None:
        attempt = request.last_attempt
        labels = (
            request.model or UNKNOWN_MODEL,
            (attempt.provider if attempt is not None else None) or NO_PROVIDER,
            STATUS_OF_OUTCOME[request.outcome],
        )
        self._requests.add(labels, 1)
        self._latency.record(labels, request.duration, request.emitted)
        self.deployments.request_ended(request)

    def attempt_ended(self, attempt: Attempt) -> None:
        common = (
            attempt.operation,
            names.gen_ai_provider_name(attempt.provider),
            attempt.model or None,
            attempt.response.model,
            attempt.server_address,
            attempt.server_port,
        )
        failure = attempt.failure
        if failure is not None:
            self._errors.add((attempt.call.model, attempt.provider or NO_PROVIDER, failure.kind), 1)
        if attempt.sent:
            error_type = failure.type if failure is not None else None
            self._duration.record((*common, error_type), attempt.duration, attempt.emitted)
        self._record_stream(attempt, common)
        if attempt.counted and not attempt.delegated:
            self._usage.attempt_ended(attempt)
            self.deployments.attempt_ended(attempt)
            if attempt.sent:
                self._record_tokens(attempt, common)

    def _record_stream(self, attempt: Attempt, common: Labels) -> None:
        first = attempt.time_to_first_chunk
        if first is None:
            return
        span = attempt.emitted
        self._first_chunk.record(common, first, span)
        self._time_to_first_token.record(
            (
                attempt.model,
                attempt.provider,
                attempt.call.model,
                attempt.model_group,
                attempt.deployment_id,
            ),
            first,
            span,
        )
        per_chunk = attempt.time_per_output_chunk
        if per_chunk is not None:
            self._per_chunk.record(common, per_chunk, span)

    def _record_tokens(self, attempt: Attempt, common: Labels) -> None:
        usage = attempt.usage
        if usage.input_tokens is not None:
            self._token_usage.record((*common, "input"), usage.input_tokens, attempt.emitted)
        if usage.output_tokens is not None:
            self._token_usage.record((*common, "output"), usage.output_tokens, attempt.emitted)

    def late_cost(self, attempt: Attempt) -> None:
        if attempt.delegated or not attempt.counted:
            return
        self._usage.late_cost(attempt)

    def after_fork(self) -> None:
        self.services.after_fork()
        self.deployments.after_fork()
        self._usage.after_fork()
        for sums in (self._requests, self._errors, self._overflowed):
            sums.clear()
        for made in (
            self._latency,
            self._time_to_first_token,
            self._duration,
            self._token_usage,
            self._first_chunk,
            self._per_chunk,
        ):
            if isinstance(made, CellDistribution):
                made.after_fork()
