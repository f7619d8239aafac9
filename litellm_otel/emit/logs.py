"""Records → log records: one structured record for each request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber

from litellm_otel.emit import attributes, names
from litellm_otel.model import Outcome
from litellm_otel.model.vocabulary import STATUS_OF_OUTCOME

if TYPE_CHECKING:
    from opentelemetry._logs import Logger

    from litellm_otel.model import Attempt, Failure, Request

_SEVERITIES = {
    Outcome.COMPLETED: (SeverityNumber.INFO, "INFO"),
    Outcome.ERROR: (SeverityNumber.ERROR, "ERROR"),
}
_WARNING = (SeverityNumber.WARN, "WARN")


class Logs:
    """Emits the event ``litellm.request`` when all that will be known of a request is known."""

    def __init__(self, logger: Logger, slow_after: float) -> None:
        self._logger = logger
        self._slow_after = slow_after

    def request_settled(self, request: Request) -> None:
        number, text = _SEVERITIES.get(request.outcome, _WARNING)
        attempt = request.last_attempt
        failure = request.final_failure
        context = (
            trace.set_span_in_context(request.emitted) if request.emitted is not None else None
        )
        self._logger.emit(
            LogRecord(
                timestamp=request.end_ns,
                observed_timestamp=time.time_ns(),
                context=context,
                severity_number=number,
                severity_text=text,
                body=_body(request, attempt, failure),
                attributes=self._attributes(request, attempt, failure),
                event_name=names.EVENT_REQUEST,
            )
        )

    def _attributes(
        self, request: Request, attempt: Attempt | None, failure: Failure | None
    ) -> attributes.Attributes:
        given: attributes.Attributes = {
            "event.name": names.EVENT_REQUEST,
            names.LITELLM_OUTCOME: request.outcome,
            names.LITELLM_STATUS: STATUS_OF_OUTCOME[request.outcome],
            names.LITELLM_DURATION: request.duration,
            names.LITELLM_ATTEMPTS: sum(call.attempts for call in request.calls),
            names.LITELLM_RETRIES: sum(call.retries for call in request.calls),
            names.LITELLM_FALLBACKS: sum(call.fallbacks for call in request.calls),
        }
        if request.proxied:
            given[names.HTTP_REQUEST_METHOD] = request.method
            given[names.URL_PATH] = request.path
        if request.status_code is not None:
            given[names.HTTP_RESPONSE_STATUS_CODE] = request.status_code
        if request.call_id:
            given[names.LITELLM_CALL_ID] = request.call_id
        if request.model:
            given[names.LITELLM_MODEL_GROUP] = request.model
        if request.duration >= self._slow_after:
            given[names.LITELLM_SLOW] = True
        if failure is not None:
            attributes.add_failure(failure, given)
            given["exception.message"] = failure.message
        attributes.add_identity(request.identity, given)
        attributes.add_baggage(request, given)
        if attempt is not None:
            _add_attempt(attempt, given)
        return given


def _add_attempt(attempt: Attempt, given: attributes.Attributes) -> None:
    given[names.GEN_AI_OPERATION_NAME] = attempt.operation
    given[names.GEN_AI_PROVIDER_NAME] = names.gen_ai_provider_name(attempt.provider)
    if attempt.model:
        given[names.GEN_AI_REQUEST_MODEL] = attempt.model
    given[names.LITELLM_PROVIDER] = attempt.provider
    if attempt.deployment_id:
        given[names.LITELLM_DEPLOYMENT_ID] = attempt.deployment_id
    if attempt.cache_hit:
        given[names.LITELLM_CACHE_HIT] = True
    attributes.add_response(attempt, given)
    first = attempt.time_to_first_chunk
    if first is not None:
        given[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = first


def _body(request: Request, attempt: Attempt | None, failure: Failure | None) -> str:
    what = f"{request.method} {request.path}" if request.proxied else "call"
    model = f" of {request.model}" if request.model else ""
    by = f" by {attempt.provider}/{attempt.model}" if attempt is not None else ""
    why = f" ({failure.type})" if failure is not None else ""
    return f"{what}{model}{by}: {request.outcome}{why} in {request.duration:.3f} s"
