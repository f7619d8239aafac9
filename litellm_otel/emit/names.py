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

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
HTTP_REQUEST_METHOD: Final = "http.request.method"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
URL_PATH: Final = "url.path"
USER_ID: Final = "user.id"

LITELLM_CALL_ID: Final = "litellm.call.id"
LITELLM_CALL_TYPE: Final = "litellm.call.type"
LITELLM_MODEL_GROUP: Final = "litellm.model_group"
LITELLM_DEPLOYMENT_ID: Final = "litellm.deployment.id"
LITELLM_ROUTING_STRATEGY: Final = "litellm.routing.strategy"
LITELLM_ATTEMPT_NUMBER: Final = "litellm.attempt.number"
LITELLM_ATTEMPT_REASON: Final = "litellm.attempt.reason"
LITELLM_ATTEMPT_SENT: Final = "litellm.attempt.sent"
LITELLM_RETRY_NUMBER: Final = "litellm.retry.number"
LITELLM_FALLBACK_NUMBER: Final = "litellm.fallback.number"
LITELLM_FALLBACK_FROM: Final = "litellm.fallback.from"
LITELLM_ATTEMPTS: Final = "litellm.attempts"
LITELLM_FALLBACKS: Final = "litellm.fallbacks"
LITELLM_CACHE_HIT: Final = "litellm.cache.hit"
LITELLM_OUTCOME: Final = "litellm.outcome"
LITELLM_STATUS: Final = "litellm.status"
LITELLM_STREAM_CHUNKS: Final = "litellm.stream.chunks"
LITELLM_USAGE_ESTIMATED: Final = "litellm.usage.estimated"
LITELLM_USAGE_QUANTITY: Final = "litellm.usage.quantity"
LITELLM_USAGE_UNIT: Final = "litellm.usage.unit"
LITELLM_USAGE_CACHE_WRITE_5M: Final = "litellm.usage.cache_write_5m.input_tokens"
LITELLM_USAGE_CACHE_WRITE_1H: Final = "litellm.usage.cache_write_1h.input_tokens"
LITELLM_REQUEST_SIZE: Final = "litellm.request.size"
LITELLM_REQUEST_QUALITY: Final = "litellm.request.quality"
LITELLM_REQUEST_VOICE: Final = "litellm.request.voice"
LITELLM_REQUEST_LANGUAGE: Final = "litellm.request.language"
LITELLM_COST: Final = "litellm.cost"
LITELLM_COST_PARTS: Final = {
    part: f"{LITELLM_COST}.{part}"
    for part in (
        *("input", "output", "cache_read", "cache_write", "reasoning"),
        *("tools", "guardrails", "discount", "margin"),
    )
}
LITELLM_DURATION: Final = "litellm.duration"
LITELLM_SLOW: Final = "litellm.slow"
LITELLM_PROVIDER: Final = "litellm.provider"
LITELLM_KEY_HASH: Final = "litellm.key.hash"
LITELLM_KEY_ALIAS: Final = "litellm.key.alias"
LITELLM_TEAM_ID: Final = "litellm.team.id"
LITELLM_TEAM_ALIAS: Final = "litellm.team.alias"
LITELLM_ORGANIZATION_ID: Final = "litellm.organization.id"
LITELLM_END_USER: Final = "litellm.end_user.id"
LITELLM_TAGS: Final = "litellm.tags"

EVENT_COOLDOWN: Final = "litellm.deployment.cooldown"
EVENT_REQUEST: Final = "litellm.request"
LITELLM_COOLDOWN_SECONDS: Final = "litellm.cooldown.seconds"

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
