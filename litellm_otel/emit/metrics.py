"""Records → metrics of the catalogue."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.metrics import Observation

from litellm_otel import catalogue
from litellm_otel.emit import names
from litellm_otel.emit.cells import Sums
from litellm_otel.model.vocabulary import STATUS_OF_OUTCOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter

    from litellm_otel.catalogue import Metric
    from litellm_otel.model import Attempt, Request

UNKNOWN_MODEL = "other"
"""The ``model`` of requests for something LiteLLM does not serve: clients can make up any name."""


class Metrics:
    """Records each event once: requests when answered, attempts when settled."""

    def __init__(
        self,
        meter: Meter,
        in_flight: Callable[[], int | None],
        hooks: Callable[[], dict[str, str]],
    ) -> None:
        self._overflowed = Sums(("metric",), (catalogue.SERIES_DROPPED.name,))

        def overflowed(metric: str) -> None:
            self._overflowed.add((metric,), 1)

        self._requests = _sums(overflowed, catalogue.REQUESTS)
        self._errors = _sums(overflowed, catalogue.PROVIDER_ERRORS)
        self._tokens = _sums(
            overflowed,
            catalogue.INPUT_TOKENS,
            catalogue.OUTPUT_TOKENS,
            catalogue.TOTAL_TOKENS,
            catalogue.SPEND,
        )
        self._latency = _histogram(meter, catalogue.REQUEST_LATENCY)
        self._time_to_first_token = _histogram(meter, catalogue.TIME_TO_FIRST_TOKEN)
        self._duration = _histogram(meter, catalogue.OPERATION_DURATION)
        self._token_usage = _histogram(meter, catalogue.TOKEN_USAGE)
        self._first_chunk = _histogram(meter, catalogue.TIME_TO_FIRST_CHUNK)
        self._per_chunk = _histogram(meter, catalogue.TIME_PER_OUTPUT_CHUNK)
        for sums, metrics in (
            (self._requests, (catalogue.REQUESTS,)),
            (self._errors, (catalogue.PROVIDER_ERRORS,)),
            (
                self._tokens,
                (
                    catalogue.INPUT_TOKENS,
                    catalogue.OUTPUT_TOKENS,
                    catalogue.TOTAL_TOKENS,
                    catalogue.SPEND,
                ),
            ),
            (self._overflowed, (catalogue.SERIES_DROPPED,)),
        ):
            for index, metric in enumerate(metrics):
                meter.create_observable_counter(
                    metric.name, [sums.observe(index)], metric.unit, metric.description
                )

        def observe_in_flight(_: CallbackOptions) -> Iterable[Observation]:
            requests = in_flight()
            return [] if requests is None else [Observation(requests)]

        def observe_hooks(_: CallbackOptions) -> Iterable[Observation]:
            return [
                Observation(1, {"hook": hook, "state": state}) for hook, state in hooks().items()
            ]

        metric = catalogue.IN_FLIGHT
        meter.create_observable_up_down_counter(
            metric.name, [observe_in_flight], metric.unit, metric.description
        )
        metric = catalogue.HOOKS
        meter.create_observable_gauge(metric.name, [observe_hooks], metric.unit, metric.description)

    def request_ended(self, request: Request) -> None:
        attempt = request.last_attempt
        status = STATUS_OF_OUTCOME[request.outcome]
        labels = (
            request.model or UNKNOWN_MODEL,
            (attempt.provider if attempt is not None else None) or "none",
            status,
        )
        self._requests.add(labels, 1)
        self._latency.record(request.duration, _request_attributes(labels), _context(request))

    def attempt_ended(self, attempt: Attempt) -> None:
        given = _gen_ai_attributes(
            attempt.operation,
            names.gen_ai_provider_name(attempt.provider),
            attempt.model,
            attempt.response.model,
            attempt.server_address,
            attempt.server_port,
        )
        context = _context(attempt)
        failure = attempt.failure
        if failure is not None:
            self._errors.add((attempt.call.model, attempt.provider or "none", failure.kind), 1)
            timed = {**given, names.ERROR_TYPE: failure.type}
        else:
            timed = given
        if attempt.sent:
            self._duration.record(attempt.duration, timed, context)
        self._record_stream(attempt, given, context)
        self._record_tokens(attempt, given, context)

    def _record_stream(
        self, attempt: Attempt, given: dict[str, str | int], context: Context | None
    ) -> None:
        first = attempt.time_to_first_chunk
        if first is None:
            return
        self._first_chunk.record(first, given, context)
        self._time_to_first_token.record(
            first,
            _first_token_attributes(
                attempt.model,
                attempt.provider,
                attempt.call.model,
                attempt.model_group,
                attempt.deployment_id,
            ),
            context,
        )
        per_chunk = attempt.time_per_output_chunk
        if per_chunk is not None:
            self._per_chunk.record(per_chunk, given, context)

    def _record_tokens(
        self, attempt: Attempt, given: dict[str, str | int], context: Context | None
    ) -> None:
        usage = attempt.usage
        read, made = usage.input_tokens, usage.output_tokens
        if attempt.sent:
            if read is not None:
                self._token_usage.record(read, {**given, names.GEN_AI_TOKEN_TYPE: "input"}, context)
            if made is not None:
                self._token_usage.record(
                    made, {**given, names.GEN_AI_TOKEN_TYPE: "output"}, context
                )
        total = usage.total_tokens if usage.total_tokens is not None else (read or 0) + (made or 0)
        if total or attempt.cost:
            self._tokens.add(_spender(attempt), read or 0, made or 0, total, attempt.cost or 0.0)

    def late_cost(self, attempt: Attempt) -> None:
        self._tokens.add(_spender(attempt), 0, 0, 0, attempt.cost or 0.0)

    def after_fork(self) -> None:
        for sums in (self._requests, self._errors, self._tokens, self._overflowed):
            sums.clear()


def _sums(overflowed: Callable[[str], None], *metrics: Metric) -> Sums:
    return Sums(metrics[0].attributes, tuple(metric.name for metric in metrics), overflowed)


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        metric.unit,
        metric.description,
        explicit_bucket_boundaries_advisory=metric.buckets,
    )


def _context(record: Request | Attempt) -> Context | None:
    """The record's span, for exemplars."""
    return trace.set_span_in_context(record.emitted) if record.emitted is not None else None


def _spender(attempt: Attempt) -> tuple[str | None, ...]:
    who = attempt.identity
    return (
        attempt.model,
        attempt.provider,
        attempt.call.model,
        attempt.deployment_id,
        who.key_hash,
        who.key_alias,
        who.team_id,
        who.team_alias,
        who.user_id,
        who.organization_id,
        who.organization_alias,
    )


@lru_cache(maxsize=1024)
def _request_attributes(labels: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(catalogue.REQUEST_LATENCY.attributes, labels, strict=True))


@lru_cache(maxsize=1024)
def _first_token_attributes(*labels: str | None) -> dict[str, str]:
    names_and_labels = zip(catalogue.TIME_TO_FIRST_TOKEN.attributes, labels, strict=True)
    return {name: label for name, label in names_and_labels if label}


@lru_cache(maxsize=1024)
def _gen_ai_attributes(
    operation: str,
    provider: str,
    model: str,
    response_model: str | None,
    address: str | None,
    port: int | None,
) -> dict[str, str | int]:
    given: dict[str, str | int] = {
        names.GEN_AI_OPERATION_NAME: operation,
        names.GEN_AI_PROVIDER_NAME: provider,
        names.GEN_AI_REQUEST_MODEL: model,
    }
    if response_model:
        given[names.GEN_AI_RESPONSE_MODEL] = response_model
    if address:
        given[names.SERVER_ADDRESS] = address
        if port:
            given[names.SERVER_PORT] = port
    return given
