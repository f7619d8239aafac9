"""Records → attributes, for spans and log records alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from litellm_otel.emit import names
from litellm_otel.model import Attempt, Call, Failure, Identity, Parameters, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    AttributeValue: TypeAlias = str | bool | int | float | Sequence[str]
    Attributes: TypeAlias = dict[str, AttributeValue]

_IDENTITY = (
    ("key_hash", names.LITELLM_KEY_HASH),
    ("key_alias", names.LITELLM_KEY_ALIAS),
    ("team_id", names.LITELLM_TEAM_ID),
    ("team_alias", names.LITELLM_TEAM_ALIAS),
    ("user_id", names.USER_ID),
    ("organization_id", names.LITELLM_ORGANIZATION_ID),
    ("organization_alias", names.LITELLM_ORGANIZATION_ALIAS),
    ("end_user", names.LITELLM_END_USER),
    ("session_id", names.GEN_AI_CONVERSATION_ID),
)
PARAMETERS = (
    ("temperature", names.GEN_AI_REQUEST_TEMPERATURE),
    ("top_p", names.GEN_AI_REQUEST_TOP_P),
    ("top_k", names.GEN_AI_REQUEST_TOP_K),
    ("max_tokens", names.GEN_AI_REQUEST_MAX_TOKENS),
    ("frequency_penalty", names.GEN_AI_REQUEST_FREQUENCY_PENALTY),
    ("presence_penalty", names.GEN_AI_REQUEST_PRESENCE_PENALTY),
    ("seed", names.GEN_AI_REQUEST_SEED),
    ("choice_count", names.GEN_AI_REQUEST_CHOICE_COUNT),
    ("stop_sequences", names.GEN_AI_REQUEST_STOP_SEQUENCES),
    ("encoding_formats", names.GEN_AI_REQUEST_ENCODING_FORMATS),
    ("dimension_count", names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT),
    ("output_type", names.GEN_AI_OUTPUT_TYPE),
    ("reasoning_level", names.GEN_AI_REQUEST_REASONING_LEVEL),
    ("service_tier", names.OPENAI_REQUEST_SERVICE_TIER),
    ("previous_response_id", names.GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID),
    ("retrieval_top_k", names.GEN_AI_RETRIEVAL_TOP_K),
    ("data_source_id", names.GEN_AI_DATA_SOURCE_ID),
    ("tool_name", names.GEN_AI_TOOL_NAME),
    ("size", names.LITELLM_REQUEST_SIZE),
    ("quality", names.LITELLM_REQUEST_QUALITY),
    ("voice", names.LITELLM_REQUEST_VOICE),
    ("language", names.LITELLM_REQUEST_LANGUAGE),
)
_RESPONSE = (
    ("id", names.GEN_AI_RESPONSE_ID),
    ("model", names.GEN_AI_RESPONSE_MODEL),
    ("status", names.GEN_AI_RESPONSE_STATUS),
    ("service_tier", names.OPENAI_RESPONSE_SERVICE_TIER),
    ("system_fingerprint", names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT),
)
_USAGE = (
    ("input_tokens", names.GEN_AI_USAGE_INPUT_TOKENS),
    ("output_tokens", names.GEN_AI_USAGE_OUTPUT_TOKENS),
    ("cache_read_input_tokens", names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
    ("cache_write_input_tokens", names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS),
    ("cache_write_5m_input_tokens", names.LITELLM_USAGE_CACHE_WRITE_5M),
    ("cache_write_1h_input_tokens", names.LITELLM_USAGE_CACHE_WRITE_1H),
    ("reasoning_output_tokens", names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS),
    ("audio_input_tokens", names.GEN_AI_USAGE_AUDIO_INPUT_TOKENS),
    ("audio_output_tokens", names.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS),
    ("image_input_tokens", names.GEN_AI_USAGE_IMAGE_INPUT_TOKENS),
    ("image_output_tokens", names.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS),
)


def _copy(source: object, table: tuple[tuple[str, str], ...], attributes: Attributes) -> None:
    for field, name in table:
        value = getattr(source, field)
        if value is not None:
            attributes[name] = value


def add_identity(identity: Identity, attributes: Attributes) -> None:
    _copy(identity, _IDENTITY, attributes)
    if identity.tags:
        attributes[names.LITELLM_TAGS] = identity.tags


def _add_parameters(parameters: Parameters, attributes: Attributes) -> None:
    for field, name in PARAMETERS:
        value = getattr(parameters, field)
        if value is not None and value != ():
            attributes[name] = value
    if parameters.choice_count == 1:
        del attributes[names.GEN_AI_REQUEST_CHOICE_COUNT]  # the conventions want it if it is not 1


def of_attempt_start(attempt: Attempt) -> Attributes:
    """What is known before the call is made: this much a sampler can decide on."""
    attributes: Attributes = {
        names.GEN_AI_OPERATION_NAME: attempt.operation,
        names.GEN_AI_PROVIDER_NAME: names.gen_ai_provider_name(attempt.provider),
        names.LITELLM_PROVIDER: attempt.provider,
        names.LITELLM_CALL_TYPE: attempt.call_type,
        names.LITELLM_ATTEMPT_NUMBER: attempt.number,
        names.LITELLM_RETRY_NUMBER: attempt.retry_number,
        names.LITELLM_FALLBACK_NUMBER: attempt.fallback_number,
    }
    if attempt.model:
        attributes[names.GEN_AI_REQUEST_MODEL] = attempt.model
    if attempt.of_tool:
        attributes[names.MCP_METHOD_NAME] = "tools/call"
    if attempt.server_address:
        attributes[names.SERVER_ADDRESS] = attempt.server_address
        if attempt.server_port:
            attributes[names.SERVER_PORT] = attempt.server_port
    if attempt.call.routed:
        attributes[names.LITELLM_MODEL_GROUP] = attempt.model_group
    if attempt.fallback_number:
        attributes[names.LITELLM_FALLBACK_FROM] = attempt.call.model
    if attempt.reason:
        attributes[names.LITELLM_ATTEMPT_REASON] = attempt.reason
    if attempt.previous_error:
        attributes[names.LITELLM_PREVIOUS_ERROR] = attempt.previous_error
    if attempt.stream:
        attributes[names.GEN_AI_REQUEST_STREAM] = True
    if not attempt.sent:
        attributes[names.LITELLM_ATTEMPT_SENT] = False
    _add_parameters(attempt.parameters, attributes)
    return attributes


def of_attempt_end(attempt: Attempt) -> Attributes:
    """What is known once the attempt has ended."""
    attributes: Attributes = {names.LITELLM_OUTCOME: attempt.outcome}
    if attempt.operation == names.INVOKE_AGENT and attempt.target:
        attributes[names.GEN_AI_AGENT_NAME] = attempt.target
    if attempt.call_id:
        attributes[names.LITELLM_CALL_ID] = attempt.call_id
    if attempt.deployment_id:
        attributes[names.LITELLM_DEPLOYMENT_ID] = attempt.deployment_id
    if attempt.server_address:
        attributes[names.SERVER_ADDRESS] = attempt.server_address
        if attempt.server_port:
            attributes[names.SERVER_PORT] = attempt.server_port
    add_response(attempt, attributes)
    if attempt.cache_hit:
        attributes[names.LITELLM_CACHE_HIT] = True
    if attempt.delegated:
        attributes[names.LITELLM_ATTEMPT_DELEGATED] = True
    first = attempt.time_to_first_chunk
    if first is not None:
        attributes[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = first
        attributes[names.LITELLM_STREAM_CHUNKS] = attempt.chunks
    if attempt.cooldown_seconds is not None:
        attributes[names.LITELLM_COOLDOWN_SECONDS] = attempt.cooldown_seconds
    if attempt.failure is not None:
        add_failure(attempt.failure, attributes)
        if attempt.failure.status_code is not None:
            attributes[names.HTTP_RESPONSE_STATUS_CODE] = attempt.failure.status_code
    add_identity(attempt.identity, attributes)
    add_baggage(attempt.call.request, attributes)
    return attributes


def of_request_end(request: Request) -> Attributes:
    """What the server span is told of the request in it."""
    attributes: Attributes = {names.LITELLM_OUTCOME: request.outcome}
    if request.call_id:
        attributes[names.LITELLM_CALL_ID] = request.call_id
    if request.model:
        attributes[names.LITELLM_MODEL_GROUP] = request.model
    failure = request.final_failure
    if failure is not None:
        add_failure(failure, attributes)
    add_identity(request.identity, attributes)
    add_baggage(request, attributes)
    return attributes


def of_call_end(call: Call) -> Attributes:
    """What became of a Router call in all."""
    attributes: Attributes = {
        names.LITELLM_ATTEMPTS: call.attempts,
        names.LITELLM_RETRIES: call.retries,
        names.LITELLM_FALLBACKS: call.fallbacks,
        names.LITELLM_OUTCOME: call.outcome,
    }
    if call.failure is not None:
        add_failure(call.failure, attributes)
    return attributes


def add_failure(failure: Failure, attributes: Attributes) -> None:
    attributes[names.ERROR_TYPE] = failure.type
    attributes[names.LITELLM_ERROR_KIND] = failure.kind


def add_baggage(request: Request, attributes: Attributes) -> None:
    for key, value in request.baggage:
        attributes[names.LITELLM_BAGGAGE + key] = value


def add_response(attempt: Attempt, attributes: Attributes) -> None:
    """What came back, what it took and what it cost."""
    response = attempt.response
    _copy(response, _RESPONSE, attributes)
    if response.finish_reasons:
        attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] = response.finish_reasons
    _copy(attempt.usage, _USAGE, attributes)
    if attempt.usage.estimated:
        attributes[names.LITELLM_USAGE_ESTIMATED] = True
    if attempt.quantity is not None:
        attributes[names.LITELLM_USAGE_QUANTITY] = float(attempt.quantity)
        attributes[names.LITELLM_USAGE_UNIT] = attempt.unit
    if attempt.cost is not None:
        attributes[names.LITELLM_COST] = attempt.cost
        for part, cost in attempt.cost_parts.items():
            attributes[names.LITELLM_COST_PARTS[part]] = cost
