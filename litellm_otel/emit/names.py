"""Every name of a span attribute, an event and a scope, in one place: the conventions still rename.

GenAI names: OpenTelemetry's semantic conventions for generative AI, as released with
``opentelemetry-util-genai`` 1.3b0. ``litellm.*``: our own.
"""

from __future__ import annotations

from typing import Final

SCOPE: Final = "litellm_otel"

# https://opentelemetry.io/docs/specs/semconv/gen-ai/
GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_REQUEST_STREAM: Final = "gen_ai.request.stream"
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
GEN_AI_REQUEST_TOP_P: Final = "gen_ai.request.top_p"
GEN_AI_REQUEST_TOP_K: Final = "gen_ai.request.top_k"
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
GEN_AI_REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
GEN_AI_REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
GEN_AI_REQUEST_SEED: Final = "gen_ai.request.seed"
GEN_AI_REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
GEN_AI_REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
GEN_AI_REQUEST_ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
GEN_AI_EMBEDDINGS_DIMENSION_COUNT: Final = "gen_ai.embeddings.dimension.count"
GEN_AI_OUTPUT_TYPE: Final = "gen_ai.output.type"
GEN_AI_REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
GEN_AI_RETRIEVAL_TOP_K: Final = "gen_ai.retrieval.top_k"
GEN_AI_DATA_SOURCE_ID: Final = "gen_ai.data_source.id"
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
MCP_METHOD_NAME: Final = "mcp.method.name"
EXECUTE_TOOL: Final = "execute_tool"
INVOKE_AGENT: Final = "invoke_agent"
GEN_AI_RESPONSE_STATUS: Final = "gen_ai.response.status"
GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
GEN_AI_USAGE_AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
GEN_AI_USAGE_IMAGE_INPUT_TOKENS: Final = "gen_ai.usage.image.input_tokens"
GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.image.output_tokens"
GEN_AI_TOKEN_TYPE: Final = "gen_ai.token.type"
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"

# https://opentelemetry.io/docs/specs/semconv/gen-ai/openai/
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
OPENAI_RESPONSE_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"

GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"
GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
GEN_AI_SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
GEN_AI_TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
GEN_AI_TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
GEN_AI_TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
GEN_AI_RETRIEVAL_QUERY_TEXT: Final = "gen_ai.retrieval.query.text"
GEN_AI_RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
HTTP_REQUEST_METHOD: Final = "http.request.method"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
URL_PATH: Final = "url.path"
USER_ID: Final = "user.id"

LITELLM_CALL_ID: Final = "litellm.call.id"
"""string: LiteLLM's id of the call, its ``x-litellm-call-id``."""
LITELLM_CALL_TYPE: Final = "litellm.call.type"
"""string: the entry point, such as ``acompletion``."""
LITELLM_MODEL_GROUP: Final = "litellm.model_group"
"""string: the Router's model group being tried; of a request, the one asked for."""
LITELLM_DEPLOYMENT_ID: Final = "litellm.deployment.id"
"""string: LiteLLM's id of the deployment the Router picked."""
LITELLM_ROUTING_STRATEGY: Final = "litellm.routing.strategy"
"""string: how the Router picks deployments."""
LITELLM_ATTEMPT_NUMBER: Final = "litellm.attempt.number"
"""int: 1, 2, ... through the whole call."""
LITELLM_ATTEMPT_REASON: Final = "litellm.attempt.reason"
"""string: why this attempt was made, where it is not the first."""
LITELLM_PREVIOUS_ERROR: Final = "litellm.attempt.previous_error"
"""string: what the attempt before it failed with."""
LITELLM_ATTEMPT_SENT: Final = "litellm.attempt.sent"
"""boolean: false where LiteLLM answered, or refused, without asking a provider."""
LITELLM_ATTEMPT_DELEGATED: Final = "litellm.attempt.delegated"
"""boolean: true where LiteLLM made the call by others of its own; its tokens and cost are theirs."""
LITELLM_RETRY_NUMBER: Final = "litellm.retry.number"
"""int: 0 for the first attempt in its model group, then 1, 2, ..."""
LITELLM_FALLBACK_NUMBER: Final = "litellm.fallback.number"
"""int: how many model groups were tried before."""
LITELLM_FALLBACK_FROM: Final = "litellm.fallback.from"
"""string: the model group asked for, on the attempts of a fallback."""
LITELLM_ATTEMPTS: Final = "litellm.attempts"
"""int: attempts of the call or request."""
LITELLM_RETRIES: Final = "litellm.retries"
"""int: those of them that were retries."""
LITELLM_FALLBACKS: Final = "litellm.fallbacks"
"""int: model groups fallen back to."""
LITELLM_ERROR_KIND: Final = "litellm.error.kind"
"""string: why it failed, as the label ``kind`` of ``litellm_provider_errors_total``."""
LITELLM_BAGGAGE: Final = "litellm.baggage."
"""string: before the key of a member of the caller's baggage."""
LITELLM_CACHE_HIT: Final = "litellm.cache.hit"
"""boolean: true where the answer came from LiteLLM's cache."""
LITELLM_OUTCOME: Final = "litellm.outcome"
"""string: ``completed``, ``error``, ``rejected``, ``client_disconnected``, ``cancelled`` or ``abandoned``."""
LITELLM_STATUS: Final = "litellm.status"
"""string: the outcome as the label ``status`` of ``litellm_requests_total``."""
LITELLM_STREAM_CHUNKS: Final = "litellm.stream.chunks"
"""int: chunks of the stream."""
LITELLM_USAGE_ESTIMATED: Final = "litellm.usage.estimated"
"""boolean: true where the provider sent no count and tokens were counted from what was seen."""
LITELLM_USAGE_QUANTITY: Final = "litellm.usage.quantity"
"""double: how many of the unit were billed besides tokens, or instead."""
LITELLM_USAGE_UNIT: Final = "litellm.usage.unit"
"""string: that unit: ``image``, ``second``, ``character``, ``page``, ``search``, ..."""
LITELLM_USAGE_CACHE_WRITE_5M: Final = "litellm.usage.cache_write_5m.input_tokens"
"""int: input tokens written to the provider's cache for 5 minutes."""
LITELLM_USAGE_CACHE_WRITE_1H: Final = "litellm.usage.cache_write_1h.input_tokens"
"""int: the same for an hour."""
LITELLM_REQUEST_SIZE: Final = "litellm.request.size"
"""string: the size of the images or videos asked for."""
LITELLM_REQUEST_QUALITY: Final = "litellm.request.quality"
"""string: their quality."""
LITELLM_REQUEST_VOICE: Final = "litellm.request.voice"
"""string: the voice of the speech asked for."""
LITELLM_REQUEST_LANGUAGE: Final = "litellm.request.language"
"""string: the language of a recording."""
LITELLM_COST: Final = "litellm.cost"
"""double: US dollars, as LiteLLM computed them."""
LITELLM_COST_PARTS: Final = {
    part: f"{LITELLM_COST}.{part}"
    for part in (
        *("input", "output", "cache_read", "cache_write", "reasoning"),
        *("tools", "guardrails", "discount", "margin"),
    )
}
"""double: what of the cost is for what."""
LITELLM_DURATION: Final = "litellm.duration"
"""double: seconds that the request took."""
LITELLM_SLOW: Final = "litellm.slow"
"""boolean: true where that is longer than ``LITELLM_OTEL_SLOW_REQUEST_THRESHOLD``."""
LITELLM_PROVIDER: Final = "litellm.provider"
"""string: LiteLLM's name of the provider."""
LITELLM_KEY_HASH: Final = "litellm.key.hash"
"""string: the hash of the virtual key; never the key."""
LITELLM_KEY_ALIAS: Final = "litellm.key.alias"
"""string: the alias of the virtual key."""
LITELLM_TEAM_ID: Final = "litellm.team.id"
"""string: the team of the key."""
LITELLM_TEAM_ALIAS: Final = "litellm.team.alias"
"""string: that team's alias."""
LITELLM_ORGANIZATION_ID: Final = "litellm.organization.id"
"""string: the organization of the key."""
LITELLM_ORGANIZATION_ALIAS: Final = "litellm.organization.alias"
"""string: that organization's alias."""
LITELLM_END_USER: Final = "litellm.end_user.id"
"""string: the end user that the client named."""
LITELLM_TAGS: Final = "litellm.tags"
"""string[]: the tags of the request."""

LITELLM_CONTENT_WITHHELD: Final = "litellm.content.withheld"
"""string: why content was left out that is asked for."""
LITELLM_CONTENT_LEFT_OUT: Final = "litellm.content.left_out"
"""int: messages left out to keep to the size limit."""

EVENT_COOLDOWN: Final = "litellm.deployment.cooldown"
EVENT_REQUEST: Final = "litellm.request"
EVENT_OPERATION_DETAILS: Final = "gen_ai.client.inference.operation.details"
LITELLM_COOLDOWN_SECONDS: Final = "litellm.cooldown.seconds"
"""double: how long the Router leaves the deployment out."""

_GEN_AI_PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "sagemaker": "aws.sagemaker",
    "sagemaker_chat": "aws.sagemaker",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "codestral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "watsonx": "ibm.watsonx.ai",
    "watsonx_text": "ibm.watsonx.ai",
    "xai": "x_ai",
    "text-completion-openai": "openai",
    "cohere_chat": "cohere",
    "anthropic_text": "anthropic",
}


def gen_ai_provider_name(provider: str) -> str:
    """LiteLLM's name of a provider → ``gen_ai.provider.name``; unlisted ones keep LiteLLM's."""
    return _GEN_AI_PROVIDERS.get(provider, provider) or "unknown"
