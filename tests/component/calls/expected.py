"""What a good call has to tell: from its case, its kind's row, and what the stand-in is known to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm_otel.emit import names
from litellm_otel.emit.attributes import PARAMETERS
from litellm_otel.reading.call_kinds import CALL_KINDS

if TYPE_CHECKING:
    from stack.standins.provider import Provider
    from tests.component.calls.case import Case, Twin

KINDS = {kind.name: kind for kind in CALL_KINDS}
_ATTRIBUTE_OF = dict(PARAMETERS)
_GEN_AI_PROVIDERS = {
    "text-completion-openai": "openai",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "mistral": "mistral_ai",
    "gemini": "gcp.gemini",
}
_USAGE = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_input_tokens": "gen_ai.usage.cache_write.input_tokens",
    "cache_write_5m_input_tokens": "litellm.usage.cache_write_5m.input_tokens",
    "cache_write_1h_input_tokens": "litellm.usage.cache_write_1h.input_tokens",
    "reasoning_output_tokens": "gen_ai.usage.reasoning.output_tokens",
    "audio_input_tokens": "gen_ai.usage.audio.input_tokens",
    "audio_output_tokens": "gen_ai.usage.audio.output_tokens",
    "image_input_tokens": "gen_ai.usage.image.input_tokens",
    "image_output_tokens": "gen_ai.usage.image.output_tokens",
}
ABOUT_COST = {"litellm.cost", *names.LITELLM_COST_PARTS.values()}


def row_key(case: Case) -> str:
    """The name by which the row of the case's kind knows its function."""
    package = case.module.removesuffix(".main")
    function = case.function.lstrip("_")
    qualified = f"{package}:{function}"
    return qualified if qualified in KINDS[case.kind].operations else function


def operation(case: Case) -> str:
    return KINDS[case.kind].operations[row_key(case)]


def call_type(case: Case, twin: Twin) -> str:
    """LiteLLM's name of the function, with its package where the row has it too."""
    name = case.name(twin).lstrip("_")
    package, colon, _ = row_key(case).rpartition(":")
    return f"{package}.{name}" if colon else name


def model(case: Case) -> str:
    """The model as the provider knows it; some calls name one beside the provider."""
    return case.model or str(case.arguments.get("model", ""))


def span_name(case: Case, model: str) -> str:
    target = KINDS[case.kind].target
    if target == "model":
        target = model
    elif target in ("search_provider", "provider"):
        target = case.provider
    elif target:
        target = str(case.arguments.get(target, ""))
    return f"{operation(case)} {target}".strip()


def gen_ai_provider(case: Case) -> str:
    return _GEN_AI_PROVIDERS.get(case.provider, case.provider)


def attributes(case: Case, twin: Twin, provider: Provider) -> dict[str, Any]:
    """The attributes of the attempt's span, by name; a type where the value is not to be known."""
    row = KINDS[case.kind]
    told: dict[str, Any] = {
        "gen_ai.operation.name": operation(case),
        "gen_ai.provider.name": gen_ai_provider(case),
        "litellm.provider": case.provider,
        "litellm.call.type": call_type(case, twin),
        "litellm.attempt.number": 1,
        "litellm.retry.number": 0,
        "litellm.fallback.number": 0,
        "litellm.outcome": "completed",
        "server.address": "127.0.0.1",
        "server.port": provider.port,
        **case.told,
    }
    if case.decorated:
        told["litellm.call.id"] = str
    if case.delegates:
        told["litellm.attempt.delegated"] = True
    if model(case):
        told["gen_ai.request.model"] = model(case)
    if row.output_type:
        told["gen_ai.output.type"] = row.output_type
    for reader in row.parameters:
        if reader.argument in case.arguments and not reader.within:
            told[_ATTRIBUTE_OF[reader.field]] = case.arguments[reader.argument]
    told |= case.parameters
    if case.stream:
        told["gen_ai.request.stream"] = True
        told["gen_ai.response.time_to_first_chunk"] = float
        told["litellm.stream.chunks"] = int
    told |= {_USAGE[field]: count for field, count in case.usage.items()}
    if case.estimated:
        told |= {"gen_ai.usage.input_tokens": int, "gen_ai.usage.output_tokens": int}
        told["litellm.usage.estimated"] = True
    if case.quantity is not None:
        told["litellm.usage.quantity"] = float(case.quantity)
        told["litellm.usage.unit"] = row.unit
    return told


def without_nothing(attributes: dict[str, Any]) -> dict[str, Any]:
    """Of a stream's tokens, LiteLLM or its provider may say which there are none of, or not."""
    return {
        name: value
        for name, value in attributes.items()
        if value != 0 or name not in _USAGE.values()
    }


def differences(given: dict[str, Any], told: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Name → what is given and what was to be told, where they differ; None for what is not there."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in given.keys() | told.keys():
        value, wanted = given.get(name), told.get(name)
        if isinstance(wanted, type):
            same = type(value) is wanted
        elif isinstance(wanted, (tuple, list)):
            same = isinstance(value, tuple) and value == tuple(wanted)
        else:
            same = type(value) is type(wanted) and value == wanted
        if not same:
            found[name] = value, wanted
    return found
