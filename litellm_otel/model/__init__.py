"""What happened, as plain records: no LiteLLM object and no OpenTelemetry object in here."""

from litellm_otel.model.emitter import Emitter
from litellm_otel.model.measurement import Measurement
from litellm_otel.model.records import (
    Attempt,
    Call,
    Cooldown,
    Failure,
    Identity,
    Parameters,
    Record,
    Request,
    Response,
    ServiceEvent,
    Usage,
)
from litellm_otel.model.vocabulary import AttemptReason, ErrorKind, Outcome, Status

__all__ = [
    "Attempt",
    "AttemptReason",
    "Call",
    "Cooldown",
    "Emitter",
    "ErrorKind",
    "Failure",
    "Identity",
    "Measurement",
    "Outcome",
    "Parameters",
    "Record",
    "Request",
    "Response",
    "ServiceEvent",
    "Status",
    "Usage",
]
