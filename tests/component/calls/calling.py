"""How a case is called: through the SDK and through a Router, in either twin, its stream read to the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from tests.component.calls.case import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stack.standins.provider import Provider
    from tests.component.calls.case import Case, Twin

T = TypeVar("T")
GROUP = "group"
DEPLOYMENT = "deployment-1"
_ONE_TRY: dict[str, Any] = {"num_retries": 0, "retry_after": 0, "disable_cooldowns": True}
MODEL_OF_NONE = "gpt-4o"
"""What has no model is asked of the deployment of one all the same."""


Call = tuple["Callable[..., Any]", dict[str, Any]]
"""A function, and its arguments."""


async def through_sdk(case: Case, twin: Twin, provider: Provider) -> None:
    await _call(*sdk_call(case, twin, provider), twin, stream=case.stream)


async def through_router(case: Case, twin: Twin, provider: Provider) -> None:
    await _call(*router_call(case, twin, provider), twin, stream=case.stream)


def sdk_call(case: Case, twin: Twin, provider: Provider) -> Call:
    return case.called(twin), {**case.pointed_at(provider), **case.given(provider)}


def router_call(case: Case, twin: Twin, provider: Provider) -> Call:
    router = router_of([case], provider)
    return getattr(router, case.router_method(twin)), router_arguments(case, provider)


def router_arguments(case: Case, provider: Provider, group: str = GROUP) -> dict[str, Any]:
    given = {**case.given(provider), "model": group}
    given.pop("custom_llm_provider", None)
    if case.named_by == "search_provider":
        del given["model"]
        given["search_tool_name"] = group
    return given


def router_of(
    cases: Sequence[Case], provider: Provider, name: Callable[[Case], str] = lambda _: GROUP
) -> Any:
    """A Router with a deployment for each case, in a group of this name."""
    from litellm import Router

    deployments: list[dict[str, Any]] = []
    tools: list[Any] = []
    for case in cases:
        where = {"api_base": provider.address() + case.version, "api_key": KEY}
        if case.named_by == "search_provider":
            params = {"search_provider": case.provider, **where}
            tools.append({"search_tool_name": name(case), "litellm_params": params})
        else:
            model = f"{case.provider}/{case.model or MODEL_OF_NONE}"
            deployments.append(
                {
                    "model_name": name(case),
                    "litellm_params": {"model": model, **where},
                    "model_info": {"id": DEPLOYMENT if len(cases) == 1 else name(case)},
                }
            )
    return Router(model_list=deployments or None, search_tools=tools or None, **_ONE_TRY)


async def _call(
    function: Callable[..., Any], given: dict[str, Any], twin: Twin, *, stream: bool
) -> None:
    if twin == "sync":
        await asyncio.to_thread(in_program, _call_sync, function, given, stream)
        return
    result = await function(**given)
    if stream:
        async for _ in stream_of(result):
            pass


def _call_sync(function: Callable[..., Any], given: dict[str, Any], stream: bool) -> None:
    result = function(**given)
    if stream:
        for _ in stream_of(result):
            pass


def in_program(function: Callable[..., T], *args: Any) -> T:
    """As in a program without an event loop of its own; some of LiteLLM's functions look for one."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return function(*args)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def stream_of(result: Any) -> Any:
    """A downloaded file comes with its headers, as a named tuple."""
    return result.stream_iterator if isinstance(result, tuple) else result
