"""Each entry point, in each twin, whole and streamed: the exact span, counts and record of a good call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

PROMPT = "Tell me something nobody else may read."


@dataclass(frozen=True)
class Case:
    function: str
    operation: str
    model: str
    arguments: tuple[tuple[str, Any], ...]
    stream: bool = False

    @property
    def id(self) -> str:
        return f"{self.function}{'-streamed' if self.stream else ''}"

    @property
    def asynchronous(self) -> bool:
        return self.function.startswith("a")

    def given(self) -> dict[str, Any]:
        return {**dict(self.arguments), **({"stream": True} if self.stream else {})}


_MESSAGES = (("messages", [{"role": "user", "content": PROMPT}]),)
CASES = [
    Case(twin + function, operation, model, arguments, stream)
    for function, operation, model, arguments, streams in (
        ("completion", "chat", "openai/gpt-4o", _MESSAGES, (False, True)),
        (
            "text_completion",
            "text_completion",
            "text-completion-openai/gpt-3.5-turbo-instruct",
            (("prompt", PROMPT),),
            (False, True),
        ),
        (
            "embedding",
            "embeddings",
            "openai/text-embedding-3-small",
            (("input", [PROMPT]),),
            (False,),
        ),
    )
    for twin in ("", "a")
    for stream in streams
]


async def call(recorded: Recorded, owner: Any, case: Case, **options: Any) -> None:
    """Make the call, read its stream to the end, and let LiteLLM's handlers run."""
    function = getattr(owner, case.function)
    result = function(**options, **case.given())
    if case.asynchronous:
        result = await result
    if case.stream and case.asynchronous:
        async for _ in result:
            pass
    elif case.stream:
        for _ in result:
            pass
    await asyncio.to_thread(recorded.settle)


def _bare(model: str) -> str:
    return model.partition("/")[2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_sdk(recorded: Recorded, provider: Provider, case: Case) -> None:
    import litellm

    await call(
        recorded,
        litellm,
        case,
        model=case.model,
        api_base=provider.base_url(),
        api_key="sk-from-caller",
    )

    (span,) = recorded.spans()
    assert span.name == f"{case.operation} {_bare(case.model)}"
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert span.parent is None
    given = dict(span.attributes or {})
    assert given["gen_ai.operation.name"] == case.operation
    assert given["gen_ai.provider.name"] == "openai"
    assert given["gen_ai.request.model"] == _bare(case.model)
    assert given["server.address"] == "127.0.0.1"
    assert given["server.port"] == provider.port
    assert given["litellm.outcome"] == "completed"
    assert given["litellm.call.type"] == case.function
    assert (given["litellm.attempt.number"], given["litellm.retry.number"]) == (1, 0)
    assert given.get("gen_ai.request.stream", False) is case.stream
    assert given["gen_ai.usage.input_tokens"] > 0
    # The provider sends no count with a stream unless asked to, and LiteLLM's SDK does not ask.
    assert given.get("litellm.usage.estimated", False) is case.stream
    if case.operation != "embeddings":
        assert given["gen_ai.usage.output_tokens"] > 0
        assert given["gen_ai.response.finish_reasons"]
    if case.stream:
        assert given["gen_ai.response.time_to_first_chunk"] > 0
        assert given["litellm.stream.chunks"] > 1
    assert recorded.increments("litellm.requests") == {
        frozenset(
            {
                "model": case.model,
                "provider": case.model.partition("/")[0],
                "status": "success",
            }.items()
        ): 1
    }
    assert sum(recorded.increments("litellm.request.latency").values()) == 1
    assert sum(recorded.increments("gen_ai.client.operation.duration").values()) == 1
    first_chunks = recorded.increments("gen_ai.client.operation.time_to_first_chunk")
    assert sum(first_chunks.values()) == (1 if case.stream else 0)
    (record,) = recorded.requests()
    assert record.attributes["litellm.outcome"] == "completed"
    assert record.attributes["gen_ai.operation.name"] == case.operation
    assert record.trace_id == span.context.trace_id
    assert PROMPT not in recorded.everything()
    assert "sk-from-caller" not in recorded.everything()


# Router.text_completion passes the group on as a model, to the SDK, in every LiteLLM there is.
ROUTED = [case for case in CASES if case.function != "text_completion"]


@pytest.mark.parametrize("case", ROUTED, ids=lambda case: case.id)
async def test_router(recorded: Recorded, provider: Provider, case: Case) -> None:
    from litellm import Router

    router = Router(
        model_list=[
            {
                "model_name": "group",
                "litellm_params": {
                    "model": case.model,
                    "api_base": provider.base_url(),
                    "api_key": "sk-of-deployment",
                },
                "model_info": {"id": "deployment-1"},
            }
        ]
    )
    await call(recorded, router, case, model="group")

    route, attempt = recorded.spans()
    assert (route.name, route.kind) == ("route group", SpanKind.INTERNAL)
    assert route.parent is None
    assert attempt.name == f"{case.operation} {_bare(case.model)}"
    assert attempt.parent is not None
    assert attempt.parent.span_id == route.context.span_id
    assert dict(route.attributes or {}) == {
        "litellm.model_group": "group",
        "litellm.routing.strategy": "simple-shuffle",
        "litellm.attempts": 1,
        "litellm.fallbacks": 0,
        "litellm.outcome": "completed",
    }
    given = dict(attempt.attributes or {})
    assert given["litellm.model_group"] == "group"
    assert given["litellm.deployment.id"] == "deployment-1"
    assert recorded.increments("litellm.requests") == {
        frozenset(
            {
                "model": "group",
                "provider": case.model.partition("/")[0],
                "status": "success",
            }.items()
        ): 1
    }
    assert len(recorded.requests()) == 1
    assert "sk-of-deployment" not in recorded.everything()
