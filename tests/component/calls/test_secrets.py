"""Planted strings are nowhere in what leaves the process, wherever they were put and however a call ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.instrumentation.logging.handler import LoggingHandler

from litellm_otel.logs import LOGGERS, LiteLLMLogHandler
from litellm_otel.quotes import recent
from tests.component.planted import PLANTS, SHAPES, Plant

if TYPE_CHECKING:
    from stack.standins.provider import Provider
    from tests.component.calls.recorded import Recorded

PROMPT = 'My sister\'s illness, "which nobody" may read of,\nbegan in the spring of the year before last.'
PIECES = ("sister", "nobody", "spring of the year")
MESSAGES = [{"role": "user", "content": PROMPT}]
ECHO = "echo/model"


@pytest.fixture
def sent(recorded: Recorded) -> Iterator[Recorded]:
    """What leaves, LiteLLM's own log lines with it."""
    handler = LiteLLMLogHandler()
    handler._sender = LoggingHandler(logger_provider=recorded.logger_provider)
    loggers = [logging.getLogger(name) for name in LOGGERS if name.startswith("LiteLLM")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    recent.clear()
    yield recorded
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture
def echo() -> Iterator[dict[str, str]]:
    """A provider of LiteLLM's own making that fails with the text that is set."""
    import litellm
    from litellm.llms.custom_llm import CustomLLM, CustomLLMError

    said = {"text": ""}

    class Echo(CustomLLM):
        def completion(self, *args: Any, **kwargs: Any) -> Any:
            raise CustomLLMError(status_code=500, message=said["text"])

        async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
            raise CustomLLMError(status_code=500, message=said["text"])

    before = litellm.custom_provider_map
    litellm.custom_provider_map = [{"provider": "echo", "custom_handler": Echo()}]
    yield said
    litellm.custom_provider_map = before


def arguments(plant: Plant, provider: Provider) -> dict[str, Any]:
    given = dict(plant.arguments)
    url = provider.base_url().replace("://", f"://{given.pop('user_of_url', '')}")
    query = given.pop("query", "")
    return {
        "messages": MESSAGES,
        "api_base": url + query,
        "max_retries": 0,
        **({} if plant.environment else {"api_key": "sk-unplanted-key"}),
        **given,
    }


async def read(answer: Any) -> None:
    if hasattr(answer, "__aiter__"):
        async for _ in answer:
            pass
    elif not hasattr(answer, "model_dump"):
        for _ in answer:
            pass


async def make_calls(plant: Plant, provider: Provider) -> None:
    """A good, a streamed and some failing calls with it; what they come to is not the point."""
    import litellm

    given = arguments(plant, provider)
    model = plant.model or "openai/gpt-4o"
    failing = plant.model or "openai/gpt-4o@leaky-error"
    broken = plant.model or "openai/gpt-4o@broken-stream-after-2"
    with contextlib.suppress(Exception):
        await read(await litellm.acompletion(model, **given))
    with contextlib.suppress(Exception):
        await read(litellm.completion(model, stream=True, **given))
    with contextlib.suppress(Exception):
        await litellm.acompletion(failing, **given)
    with contextlib.suppress(Exception):
        await read(await litellm.acompletion(broken, stream=True, **given))
    messages, metadata = given.pop("messages"), given.pop("metadata", {})
    router = litellm.Router(
        [
            {"model_name": name, "litellm_params": {"model": of, **given}}
            for name, of in (("failing", failing), ("good", model))
        ],
        fallbacks=[{"failing": ["good"]}],
        num_retries=1,
        retry_after=0,
        disable_cooldowns=True,
    )
    for name in ("failing", "good"):
        with contextlib.suppress(Exception):
            await router.acompletion(name, messages=messages, metadata=dict(metadata))
    router.fallbacks = []
    with contextlib.suppress(Exception):
        await router.acompletion("failing", messages=messages, metadata=dict(metadata))


def around(text: str, left: str) -> str:
    at = left.find(text)
    return f"…{left[max(0, at - 300) : at + 200]}…"


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
async def test_planted(
    sent: Recorded, provider: Provider, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("INITIAL_RETRY_DELAY", "JITTER"):
        monkeypatch.setattr(f"litellm.utils.{pause}", 0.0)
    for name, value in plant.environment.items():
        monkeypatch.setenv(name, value)
    forget_standing(monkeypatch)
    await make_calls(plant, provider)
    await asyncio.to_thread(sent.settle)
    left = sent.everything()
    assert "litellm.outcome" in left
    assert plant.secret not in left, around(plant.secret, left)
    for piece in PIECES:
        assert piece not in left, around(piece, left)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "plant",
    # One a URL carries is known to LiteLLM as a part of the URL.
    [plant for plant in PLANTS if not plant.model],
    ids=lambda plant: plant.name,
)
async def test_echoed_by_the_provider(
    sent: Recorded,
    provider: Provider,
    echo: dict[str, str],
    plant: Plant,
    shape: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import litellm

    for name, value in plant.environment.items():
        monkeypatch.setenv(name, value)
    forget_standing(monkeypatch)
    if plant.name in ("metadata of the caller", "requester's metadata"):
        pytest.skip("no secret: it goes to no provider")
    echo["text"] = SHAPES[shape](plant.secret)
    with pytest.raises(Exception, match=r"."):
        await litellm.acompletion(ECHO, **arguments(plant, provider))
    with pytest.raises(Exception, match=r"."):
        litellm.completion(ECHO, **arguments(plant, provider))
    await asyncio.to_thread(sent.settle)
    left = sent.everything()
    assert len(sent.spans()) == 2
    for form in (plant.secret, SHAPES["base64"](plant.secret).split()[-1][:-4]):
        assert form not in left, around(form, left)


def forget_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment holds is looked up now and then; it has just changed."""
    monkeypatch.setattr("litellm_otel.reading.secrets._standing_until", 0.0)
