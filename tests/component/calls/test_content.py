"""Content, only where it is asked for: what is on which signal, in which shape, and what never is."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from litellm_otel import settings
from litellm_otel.emit.content import contents_for
from litellm_otel.reading.content import ContentReader
from tests import content_conventions
from tests.component.calls import calling
from tests.component.calls.case import SECRET
from tests.component.calls.cases import CASES
from tests.component.calls.recorded import until

if TYPE_CHECKING:
    from stack.standins.provider import Provider
    from tests.component.calls.case import Case
    from tests.component.calls.recorded import Recorded

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EMIT_EVENT = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"
EVENT = "gen_ai.client.inference.operation.details"
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
SYSTEM, TOOLS = "gen_ai.system_instructions", "gen_ai.tool.definitions"
WITHHELD = "litellm.content.withheld"
PLANTED = "sk-proj-Ab3dEf6hIj9kLmNoPq"
MESSAGES = [{"role": "user", "content": SECRET}]
ASKED = [{"role": "user", "parts": [{"type": "text", "content": SECRET}]}]
BOTH = {CAPTURE: "SPAN_AND_EVENT"}


@contextmanager
def content(recorded: Recorded, environ: dict[str, str]) -> Iterator[None]:
    """Content as these variables ask for it; they are read when a process starts, so it is put in place."""
    chosen, problems = settings.load(environ)
    assert problems == ()
    recorder: Any = recorded.instrumentor._recorder
    telemetry = recorder.emitter
    assert recorder.contents is None
    assert telemetry.contents is None
    logger = recorded.logger_provider.get_logger("litellm_otel")
    telemetry.contents = contents_for(logger, chosen.content)
    if chosen.content.reads:
        recorder.contents = ContentReader(blobs=chosen.content.blobs)
    try:
        yield
    finally:
        recorded.settle()
        recorder.contents = telemetry.contents = None


def options(provider: Provider, behaviour: str = "", **more: Any) -> dict[str, Any]:
    model = f"openai/gpt-4o@{behaviour}" if behaviour else "openai/gpt-4o"
    given = {"model": model, "messages": MESSAGES, "api_key": "sk-of-the-caller"}
    return {**given, "api_base": provider.base_url(), "max_retries": 0, "max_tokens": 3, **more}


async def complete(**given: Any) -> list[Any]:
    """The chunks of the answer, be it in one."""
    import litellm

    answer = await litellm.acompletion(**given)
    if not given.get("stream"):
        return [answer]
    return [chunk async for chunk in answer]


def answer(text: str, reason: str = "stop") -> list[dict[str, Any]]:
    part = {"type": "text", "content": text}
    return [{"role": "assistant", "parts": [part], "finish_reason": reason}]


def events(recorded: Recorded) -> list[Any]:
    recorded.settle()
    finished = recorded._logs.get_finished_logs()
    return [item.log_record for item in finished if item.log_record.event_name == EVENT]


async def one_span(recorded: Recorded) -> Any:
    (span,) = await asyncio.to_thread(recorded.attempts)
    return span


# -- every entry point ------------------------------------------------------------------------------

NOT_READ = {"rag-ingest": "documents to be kept are not said to a model"}
ANSWERS_IN_WORDS = {
    "chat",
    "text completion",
    "responses",
    "Anthropic messages",
    "Google generate-content",
    "interactions",
    "transcription",
    "OCR",
    "pass-through",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_every_entry_point(recorded: Recorded, provider: Provider, case: Case) -> None:
    with content(recorded, BOTH):
        await calling.through_sdk(case, case.twins[-1], provider)
        spans = await asyncio.to_thread(recorded.attempts)
        logged = events(recorded)
    on_spans = [content_conventions.of_span(span.attributes) for span in spans]
    of_span = {event.span_id: event.attributes for event in logged}
    on_events = [content_conventions.of_event(of_span[span.context.span_id]) for span in spans]
    assert on_events == on_spans
    assert len(logged) == len(spans)
    said = SECRET in repr(case.given(provider))
    if case.id in NOT_READ:
        assert not any(on_spans)
    elif said:
        assert all(SECRET in str(values) for values in on_spans)
    if case.kind in ANSWERS_IN_WORDS and case.function != "compact_responses":
        assert any("word0" in str(values.get(OUTPUT)) for values in on_spans)
    for request in recorded.requests():
        assert SECRET not in f"{request.body} {dict(request.attributes)}"


# -- modes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("environ", "on_span", "event", "on_event"),
    [
        ({}, False, False, False),
        ({CAPTURE: "NO_CONTENT"}, False, False, False),
        ({CAPTURE: "SPAN_ONLY"}, True, False, False),
        ({CAPTURE: "EVENT_ONLY"}, False, True, True),
        ({CAPTURE: "SPAN_AND_EVENT"}, True, True, True),
        ({EMIT_EVENT: "true"}, False, True, False),
        ({CAPTURE: "SPAN_ONLY", EMIT_EVENT: "true"}, True, True, False),
        ({CAPTURE: "SPAN_AND_EVENT", EMIT_EVENT: "false"}, True, False, False),
    ],
    ids=lambda value: ",".join(value.values()) if isinstance(value, dict) else None,
)
async def test_what_is_where(
    recorded: Recorded,
    provider: Provider,
    environ: dict[str, str],
    on_span: bool,
    event: bool,
    on_event: bool,
    stream: bool,
) -> None:
    with content(recorded, environ):
        await complete(**options(provider, stream=stream))
        span = await one_span(recorded)
        logged = events(recorded)
    expected = {INPUT: ASKED, OUTPUT: answer("word0 word1 word2 ")}
    assert content_conventions.of_span(span.attributes) == (expected if on_span else {})
    assert len(logged) == event
    for record in logged:
        assert content_conventions.of_event(record.attributes) == (expected if on_event else {})
        assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
        assert record.timestamp == span.end_time
        told = dict(span.attributes)
        for name in (INPUT, OUTPUT):
            told.pop(name, None)
        shown = {name: record.attributes[name] for name in record.attributes if name in told}
        assert shown == told
    if not (on_span or on_event):
        assert SECRET not in recorded.everything()
        assert "word1" not in recorded.everything()


async def test_nothing_is_kept_after_it_was_emitted(recorded: Recorded, provider: Provider) -> None:
    seen: list[Any] = []
    recorder: Any = recorded.instrumentor._recorder
    with content(recorded, BOTH):
        started = recorder.start_attempt

        def start(attempt: Any) -> None:
            assert attempt.content is not None
            seen.append(attempt)
            started(attempt)

        recorder.start_attempt = start
        try:
            await complete(**options(provider, stream=True))
            await one_span(recorded)
        finally:
            del recorder.start_attempt
    (attempt,) = seen
    assert (attempt.content, attempt.seen, attempt.asked) == (None, None, None)


async def test_a_reader_that_breaks_does_no_harm(
    recorded: Recorded, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("content is broken")

    for name in ("withheld", "Content"):
        recorded.clear()
        with content(recorded, BOTH), monkeypatch.context() as patched:
            patched.setattr(f"litellm_otel.reading.content.{name}", broken)
            if name == "Content":
                patched.setattr("litellm_otel.reading.content.requests.Content", broken)
            (given,) = await complete(**options(provider))
            assert given.choices[0].message.content
            span = await one_span(recorded)
        assert content_conventions.of_span(span.attributes) == {}


# -- shapes that only real calls have ------------------------------------------------------------------

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"name": "weather", "description": "of a city", "parameters": WEATHER}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_tools(recorded: Recorded, provider: Provider, stream: bool) -> None:
    given = {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "required"}
    with content(recorded, BOTH):
        await complete(**options(provider, stream=stream, **given))
        values = content_conventions.of_span((await one_span(recorded)).attributes)
    assert values[TOOLS] == [{"type": "function", **TOOL}]
    ((part,),) = [message["parts"] for message in values[OUTPUT]]
    assert part["type"] == "tool_call"
    assert (part["name"], part["arguments"]) == ("weather", {"word": "word0"})
    assert part["id"]
    assert values[OUTPUT][0]["finish_reason"] == "tool_call"


async def test_a_conversation_of_several_media(recorded: Recorded, provider: Provider) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture]},
    ]
    blob = {"type": "blob", "modality": "image", "mime_type": "image/png", "size": 8}
    for blobs, data in (("false", ""), ("true", "iVBORw0KGgo=")):
        recorded.clear()
        with content(recorded, {**BOTH, "LITELLM_OTEL_CONTENT_BLOBS": blobs}):
            await complete(**options(provider, messages=messages))
            values = content_conventions.of_span((await one_span(recorded)).attributes)
        assert values[INPUT] == [
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {
                "role": "user",
                "parts": [{"type": "text", "content": "What is it?"}, {**blob, "content": data}],
            },
        ]


async def test_several_choices(recorded: Recorded, provider: Provider) -> None:
    with content(recorded, BOTH):
        await complete(**options(provider, n=2))
        values = content_conventions.of_span((await one_span(recorded)).attributes)
    assert values[OUTPUT] == answer("word0 word1 word2 ") * 2


# -- endings ----------------------------------------------------------------------------------------


async def test_a_stream_that_breaks_is_there_as_far_as_it_came(
    recorded: Recorded, provider: Provider
) -> None:
    import litellm

    with content(recorded, BOTH):
        with pytest.raises((litellm.APIError, litellm.exceptions.MidStreamFallbackError)):
            await complete(**options(provider, "broken-stream-after-2", stream=True, max_tokens=9))
        values = content_conventions.of_span((await one_span(recorded)).attributes)
    assert values[OUTPUT] == answer("word0 word1 ", "error")


async def test_a_stream_closed_early(recorded: Recorded, provider: Provider) -> None:
    import litellm

    with content(recorded, BOTH):
        stream = await litellm.acompletion(
            **options(provider, "slow-20ms", stream=True, max_tokens=9)
        )
        async for _ in stream:
            break
        await stream.aclose()
        values = content_conventions.of_span((await one_span(recorded)).attributes)
    assert values[OUTPUT] == answer("word0 ", "error")


async def test_a_failed_call_has_what_was_asked(recorded: Recorded, provider: Provider) -> None:
    import litellm

    with content(recorded, BOTH):
        with pytest.raises(litellm.InternalServerError):
            await complete(**options(provider, "server-error"))
        span = await one_span(recorded)
        (event,) = events(recorded)
    assert content_conventions.of_span(span.attributes) == {INPUT: ASKED}
    assert event.attributes["error.type"] == "InternalServerError"
    assert event.severity_text == "ERROR"
    assert SECRET not in (span.status.description or "")


async def test_each_attempt_of_a_router_has_its_own(recorded: Recorded, provider: Provider) -> None:
    from litellm import Router

    models = [
        {
            "model_name": group,
            "litellm_params": {
                "model": f"openai/{model}",
                "api_base": provider.base_url(),
                "api_key": "sk-of-deployment",
                "max_retries": 0,
            },
        }
        for group, model in (("first", "gpt-4o@unavailable"), ("second", "gpt-4o"))
    ]
    router = Router(model_list=models, fallbacks=[{"first": ["second"]}], num_retries=0)
    with content(recorded, BOTH):
        await router.acompletion("first", messages=MESSAGES, max_tokens=3)
        failed, answered = await asyncio.to_thread(recorded.attempts)
        route = recorded.spans()[0]
    assert content_conventions.of_span(failed.attributes) == {INPUT: ASKED}
    assert content_conventions.of_span(answered.attributes) == {
        INPUT: ASKED,
        OUTPUT: answer("word0 word1 word2 "),
    }
    assert content_conventions.of_span(route.attributes) == {}


async def test_a_cache_hit(recorded: Recorded, provider: Provider) -> None:
    import litellm

    litellm.cache = litellm.Cache(type="local")
    try:
        with content(recorded, BOTH):
            await complete(**options(provider, caching=True))
            await asyncio.sleep(0.05)  # the cache is written by a task of this loop
            await asyncio.to_thread(until, lambda: litellm.cache.cache.cache_dict)
            await complete(**options(provider, caching=True))
            spans = await asyncio.to_thread(recorded.attempts)
    finally:
        litellm.cache = None
    assert [span.attributes.get("litellm.cache.hit", False) for span in spans] == [False, True]
    first, second = (content_conventions.of_span(span.attributes) for span in spans)
    assert first == second == {INPUT: ASKED, OUTPUT: answer("word0 word1 word2 ")}


# -- what does not leave -----------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_credentials_in_content(recorded: Recorded, provider: Provider, stream: bool) -> None:
    call = {"id": "c1", "type": "function"}
    arguments = json.dumps({"password": "correct horse battery", "city": "B"})
    messages = [
        {"role": "system", "content": f"The key is {PLANTED}."},
        {"role": "user", "content": [{"type": "text", "text": f"Authorization: Bearer {PLANTED}"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**call, "function": {"name": "f", "arguments": arguments}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps({"token": PLANTED})},
    ]
    with content(recorded, BOTH):
        await complete(
            **options(provider, messages=messages, mock_response=f"Use {PLANTED}.", stream=stream)
        )
        values = content_conventions.of_span((await one_span(recorded)).attributes)
        everything = recorded.everything()
    assert PLANTED not in everything
    assert "correct horse" not in everything
    assert "[REDACTED]" in str(values[INPUT])
    assert values[OUTPUT][0]["parts"] == [{"type": "text", "content": "Use [REDACTED]."}]


async def test_a_key_of_no_known_shape_that_the_answer_repeats(
    recorded: Recorded, provider: Provider
) -> None:
    key = "of-no-shape/at+all 0123"
    with content(recorded, BOTH):
        await complete(**options(provider, api_key=key, mock_response=f"You sent {key}."))
        values = content_conventions.of_span((await one_span(recorded)).attributes)
    assert values[OUTPUT] == answer("You sent [REDACTED].")
    assert key not in recorded.everything()


async def test_the_operators_patterns(recorded: Recorded, provider: Provider) -> None:
    patterns = {"LITELLM_OTEL_CONTENT_REDACT_PATTERNS": r"nobody \w+;word1"}
    with content(recorded, {**BOTH, **patterns}):
        await complete(**options(provider))
        values = content_conventions.of_span((await one_span(recorded)).attributes)
    (asked,) = values[INPUT]
    assert asked["parts"][0]["content"] == "Tell me something [REDACTED] may read."
    assert values[OUTPUT] == answer("word0 [REDACTED] word2 ")


async def test_limits(recorded: Recorded, provider: Provider) -> None:
    limits = {
        "LITELLM_OTEL_CONTENT_MAX_LENGTH": "100",
        "LITELLM_OTEL_CONTENT_MAX_SIZE": "1000",
    }
    messages = [{"role": "user", "content": f"{number} " + "x" * 500} for number in range(50)]
    with content(recorded, {**BOTH, **limits}):
        await complete(**options(provider, messages=messages))
        span = await one_span(recorded)
        (event,) = events(recorded)
    values = content_conventions.of_span(span.attributes)
    assert content_conventions.of_event(event.attributes) == values
    assert values[OUTPUT] == answer("word0 word1 word2 ")
    newest = values[INPUT][-1]["parts"][0]["content"]
    assert newest.startswith("49 xx")
    assert newest.endswith("… [403 more characters]")
    assert span.attributes["litellm.content.left_out"] == 50 - len(values[INPUT]) > 0
    assert len(span.attributes[INPUT]) + len(span.attributes[OUTPUT]) <= 1010


@contextmanager
def litellm_setting(**values: Any) -> Iterator[None]:
    import litellm

    before = {name: getattr(litellm, name) for name in values}
    for name, value in values.items():
        setattr(litellm, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(litellm, name, value)


def headers(**given: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in given.items()}
    return {"metadata": {"headers": named}}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("setting", "given", "reason"),
    [
        ({"turn_off_message_logging": True}, {}, "message_logging_off"),
        ({}, {"turn_off_message_logging": True}, "message_logging_off"),
        ({}, headers(x_litellm_enable_message_redaction="true"), "message_logging_off"),
        ({}, headers(litellm_enable_message_redaction="true"), "message_logging_off"),
        ({}, {"no-log": True}, "no_log"),
        ({"global_disable_no_log_param": True}, {"no-log": True}, None),
        (
            {"turn_off_message_logging": True},
            headers(litellm_disable_message_redaction="true"),
            None,
        ),
        ({"turn_off_message_logging": True}, {"turn_off_message_logging": False}, None),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_litellm_does_not_log_is_not_recorded(
    recorded: Recorded,
    provider: Provider,
    setting: dict[str, Any],
    given: dict[str, Any],
    reason: str | None,
    stream: bool,
) -> None:
    with content(recorded, BOTH), litellm_setting(**setting):
        await complete(**options(provider, stream=stream, **given))
        span = await one_span(recorded)
        (event,) = events(recorded)
    if reason is None:
        assert content_conventions.of_span(span.attributes)[INPUT] == ASKED
        assert WITHHELD not in span.attributes
    else:
        assert content_conventions.of_span(span.attributes) == {}
        assert content_conventions.of_event(event.attributes) == {}
        assert span.attributes[WITHHELD] == event.attributes[WITHHELD] == reason
        assert SECRET not in recorded.everything()
        assert "word1" not in recorded.everything()


async def test_logging_that_is_switched_off_during_the_call(
    recorded: Recorded, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    import litellm

    class Asked(list[Any]):
        """What the provider was asked: it has been, and has not answered yet."""

        def append(self, call: Any) -> None:
            litellm.turn_off_message_logging = True
            super().append(call)

    monkeypatch.setattr(provider, "calls", Asked())
    with content(recorded, BOTH), litellm_setting(turn_off_message_logging=False):
        await complete(**options(provider))
        assert litellm.turn_off_message_logging
        span = await one_span(recorded)
    assert content_conventions.of_span(span.attributes) == {}
    assert span.attributes[WITHHELD] == "message_logging_off"


def masking_guardrail(event_hook: str) -> Any:
    """A guardrail that masks what the user says, where it is run; as Presidio does."""
    from litellm.integrations.custom_guardrail import CustomGuardrail

    class Masking(CustomGuardrail):
        async def async_pre_call_hook(
            self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
        ) -> dict[str, Any]:
            return {**data, "messages": [{"role": "user", "content": "<MASKED>"}]}

        async def async_logging_hook(
            self, kwargs: dict[str, Any], result: Any, call_type: str
        ) -> tuple[dict[str, Any], Any]:
            return {**kwargs, "messages": [{"role": "user", "content": "<MASKED>"}]}, result

    return Masking(guardrail_name="masking", event_hook=event_hook, default_on=True)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("event_hook", "reason", "kept"),
    [
        ("pre_call", None, {INPUT, OUTPUT}),
        ("during_call", None, {INPUT, OUTPUT}),
        ("post_call", "output_guardrail", {INPUT}),
        ("logging_only", "log_masking", set()),
    ],
)
async def test_guardrails(
    recorded: Recorded,
    provider: Provider,
    event_hook: str,
    reason: str | None,
    kept: set[str],
    stream: bool,
) -> None:
    guardrail = masking_guardrail(event_hook)
    with content(recorded, BOTH), litellm_setting(callbacks=[guardrail]):
        if event_hook == "pre_call":
            # The proxy runs it on the whole request; for one deployment LiteLLM's decorator does.
            guardrail.async_pre_call_deployment_hook = _on_deployment(guardrail)
        await complete(**options(provider, stream=stream))
        span = await one_span(recorded)
    values = content_conventions.of_span(span.attributes)
    assert set(values) == kept
    assert span.attributes.get(WITHHELD) == reason
    if event_hook == "pre_call":
        assert values[INPUT][0]["parts"] == [{"type": "text", "content": "<MASKED>"}]
        assert SECRET not in recorded.everything()
    with contextlib.suppress(ValueError):
        import litellm

        litellm.success_callback.remove(guardrail)


def _on_deployment(guardrail: Any) -> Any:
    async def hook(kwargs: dict[str, Any], call_type: Any) -> dict[str, Any]:
        return await guardrail.async_pre_call_hook(None, None, kwargs, "completion")

    return hook


async def test_a_callback_that_masks_logs(recorded: Recorded, provider: Provider) -> None:
    from litellm.integrations.custom_logger import CustomLogger

    class Masking(CustomLogger):
        def logging_hook(
            self, kwargs: dict[str, Any], result: Any, call_type: str
        ) -> tuple[dict[str, Any], Any]:
            return {**kwargs, "messages": []}, result

    with content(recorded, BOTH), litellm_setting(callbacks=[Masking()]):
        await complete(**options(provider))
        span = await one_span(recorded)
    assert content_conventions.of_span(span.attributes) == {}
    assert span.attributes[WITHHELD] == "log_masking"
