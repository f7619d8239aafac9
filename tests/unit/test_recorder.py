"""The life of records, without LiteLLM: each is emitted once when it starts and once when it ends."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from litellm_otel.model import (
    Attempt,
    Call,
    Cooldown,
    ErrorKind,
    Failure,
    Outcome,
    Record,
    Request,
    Usage,
)
from litellm_otel.model.records import NANOSECONDS
from litellm_otel.outcomes import outcome_of_request
from litellm_otel.recorder import Recorder


class Collected:
    """An emitter that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def count(self) -> Counter[str]:
        return Counter(name for name, _ in self.told)

    def request_started(self, request: Request) -> None:
        self.told.append(("request_started", request))

    def request_ended(self, request: Request) -> None:
        self.told.append(("request_ended", request))

    def request_settled(self, request: Request) -> None:
        self.told.append(("request_settled", request))

    def call_started(self, call: Call) -> None:
        self.told.append(("call_started", call))

    def call_ended(self, call: Call) -> None:
        self.told.append(("call_ended", call))

    def attempt_started(self, attempt: Attempt) -> None:
        self.told.append(("attempt_started", attempt))

    def attempt_ended(self, attempt: Attempt) -> None:
        self.told.append(("attempt_ended", attempt))

    def late_cost(self, attempt: Attempt) -> None:
        self.told.append(("late_cost", attempt))

    def cooled_down(self, cooldown: Cooldown, attempt: Attempt | None) -> None:
        self.told.append(("cooled_down", cooldown))

    def enter(self, record: Record) -> object:
        return None

    def leave(self, token: object) -> None: ...


@pytest.fixture
def collected() -> Collected:
    return Collected()


@pytest.fixture
def recorder(collected: Collected) -> Recorder:
    return Recorder(collected)


def attempt_of(call: Call, call_id: str = "id") -> Attempt:
    return Attempt(
        call=call, operation="chat", call_type="acompletion", model="gpt-4o", call_id=call_id
    )


def streamed(recorder: Recorder, **fields: Any) -> tuple[Call, Attempt]:
    call = recorder.start_call(model="gpt-4o", **fields)
    attempt = attempt_of(call)
    recorder.start_attempt(attempt)
    recorder.stream_opened(attempt)
    recorder.call_returned(call)
    return call, attempt


def test_a_stream_waits_for_its_tokens_and_cost(recorder: Recorder, collected: Collected) -> None:
    call, attempt = streamed(recorder)
    assert not call.end_ns
    recorder.end_attempt(attempt, Outcome.COMPLETED)
    assert call.outcome == Outcome.COMPLETED
    assert collected.count()["attempt_ended"] == 0
    recorder.details("id", Usage(input_tokens=1, output_tokens=2, total_tokens=3), 0.5)
    assert (attempt.usage.output_tokens, attempt.cost) == (2, 0.5)
    assert collected.count() == {
        "call_started": 1,
        "attempt_started": 1,
        "call_ended": 1,
        "request_ended": 1,
        "attempt_ended": 1,
        "request_settled": 1,
    }
    assert recorder.in_flight == 0


def test_the_end_is_when_the_stream_ended(recorder: Recorder) -> None:
    _, attempt = streamed(recorder)
    recorder.end_attempt(attempt, Outcome.COMPLETED)
    end = attempt.end_ns
    recorder.details("id", None, 0.1)
    assert attempt.end_ns == end


def test_an_account_that_comes_just_as_the_stream_ends_is_taken(recorder: Recorder) -> None:
    """LiteLLM brings that of a synchronous stream in a thread of its own."""
    _, attempt = streamed(recorder)
    ending = threading.Thread(target=recorder.end_attempt, args=(attempt, Outcome.COMPLETED))

    class Parts(dict[str, float]):
        def __bool__(self) -> bool:
            """Asked between the look whether the stream has ended and the note of its account."""
            ending.start()
            ending.join(0.2)
            return False

    recorder.details("id", Usage(output_tokens=2), 0.5, Parts())
    ending.join()
    recorder.flush()
    assert (attempt.usage.output_tokens, attempt.cost) == (2, 0.5)
    assert not recorder.awaits_details("id")


def test_flush_settles_what_never_gets_its_details(
    recorder: Recorder, collected: Collected
) -> None:
    _, attempt = streamed(recorder)
    recorder.end_attempt(attempt, Outcome.COMPLETED)
    recorder.flush()
    assert collected.count()["attempt_ended"] == 1
    assert collected.count()["request_settled"] == 1


def test_what_settles_last_does_not_overtake_the_end_of_the_request(
    recorder: Recorder, collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the thread in the background may, between the request's end and what it is called."""
    asked = Request(proxied=True, status_code=200)
    token = recorder.start_request(asked)
    _, attempt = streamed(recorder)
    recorder.end_attempt(attempt, Outcome.COMPLETED)
    seen: list[str] = []
    monkeypatch.setattr(collected, "request_settled", lambda request: seen.append(request.outcome))

    def settling(_: Request) -> str:
        recorder.settle_attempt(attempt)
        assert not seen
        return Outcome.COMPLETED

    monkeypatch.setattr("litellm_otel.recorder.outcome_of_request", settling)
    recorder.end_request(asked)
    recorder.leave_request(token)
    assert seen == [Outcome.COMPLETED]


def test_a_cost_that_comes_after_the_end_is_counted_once(
    recorder: Recorder, collected: Collected
) -> None:
    _, attempt = streamed(recorder)
    recorder.end_attempt(attempt, Outcome.COMPLETED)
    recorder.settle_attempt(attempt)
    recorder.details("id", Usage(output_tokens=5), 0.25)
    recorder.details("id", Usage(output_tokens=5), 0.25)
    assert collected.count()["late_cost"] == 1
    assert collected.count()["attempt_ended"] == 1


def test_a_second_end_changes_nothing(recorder: Recorder, collected: Collected) -> None:
    _, attempt = streamed(recorder)
    assert recorder.end_attempt(attempt, Outcome.CANCELLED)
    assert not recorder.end_attempt(attempt, Outcome.COMPLETED)
    recorder.flush()
    recorder.settle_attempt(attempt)
    assert attempt.outcome == Outcome.CANCELLED
    assert collected.count()["attempt_ended"] == 1


def test_a_failed_stream_of_a_router_waits_for_its_fallback(
    recorder: Recorder, collected: Collected
) -> None:
    call, first = streamed(recorder, routed=True, trace_id="trace")
    failure = Failure("APIError", status_code=500)
    recorder.end_attempt(first, Outcome.ERROR, failure)
    assert not call.end_ns
    assert recorder.open_call("trace") is call
    recorder.fall_back(call, "second")
    second = attempt_of(call, "other id")
    recorder.start_attempt(second)
    assert (second.number, second.fallback_number) == (2, 1)
    assert (second.reason, second.previous_error) == ("fallback", "APIError")
    recorder.stream_opened(second)
    recorder.end_attempt(second, Outcome.COMPLETED)
    recorder.flush()
    assert call.outcome == Outcome.COMPLETED
    assert collected.count()["call_ended"] == 1
    assert recorder.open_call("trace") is None


def test_a_fallback_of_a_stream_that_fails_too_ends_the_call(recorder: Recorder) -> None:
    call, attempt = streamed(recorder, routed=True)
    failed = Failure("APIConnectionError")
    recorder.end_attempt(attempt, Outcome.ERROR, failed)
    for _ in range(2):  # groups
        recorder.late_fallback_begins(call)
        second = attempt_of(call, "second")
        recorder.start_attempt(second)
        recorder.end_attempt(second, Outcome.ERROR, Failure("RateLimitError"))
        recorder.flush()  # between two attempts in a group, LiteLLM may wait for long
        assert not call.end_ns
        recorder.late_fallback_ended(call)
    recorder.flush()
    assert (call.outcome, call.failure) == (Outcome.ERROR, failed)
    assert call.end_ns == second.end_ns  # pyright: ignore[reportPossiblyUnbound]
    assert recorder.in_flight == 0


def test_the_end_of_a_request_ends_what_is_open_in_it(
    recorder: Recorder, collected: Collected
) -> None:
    request = Request(proxied=True)
    token = recorder.start_request(request)
    call, attempt = streamed(recorder, routed=True)
    assert call.request is request
    request.disconnected = True
    recorder.end_request(request)
    recorder.leave_request(token)
    assert (attempt.outcome, call.outcome, request.outcome) == (Outcome.CLIENT_DISCONNECTED,) * 3
    recorder.flush()
    assert collected.count()["request_settled"] == 1
    assert recorder.in_flight == 0


def test_a_request_whose_end_breaks_has_failed_for_whoever_settles_it(
    recorder: Recorder, collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(proxied=True)
    token = recorder.start_request(request)
    _, attempt = streamed(recorder)
    recorder.leave_request(token)
    monkeypatch.delattr(Recorder, "end_call")
    with pytest.raises(AttributeError):
        recorder.end_request(request)
    recorder.settle_attempt(attempt)
    assert [name for name, of in collected.told if of is request][-1] == "request_settled"
    assert request.outcome == Outcome.ERROR


def test_retries_and_fallbacks_are_numbered(recorder: Recorder) -> None:
    call = recorder.start_call(model="a", routed=True)
    numbers = []
    for group in ("a", "a", "b", "b"):
        if group != call.group:
            recorder.fall_back(call, group)
        attempt = attempt_of(call)
        recorder.start_attempt(attempt)
        recorder.end_attempt(attempt, Outcome.ERROR, Failure("Timeout"))
        recorder.settle_attempt(attempt)
        numbers.append((attempt.number, attempt.retry_number, attempt.fallback_number))
    assert numbers == [(1, 0, 0), (2, 1, 0), (3, 0, 1), (4, 1, 1)]


def test_an_idle_stream_is_given_up(collected: Collected) -> None:
    recorder = Recorder(collected, stream_idle_timeout=600.0)
    call, attempt = streamed(recorder)
    recorder._reap()
    assert not attempt.outcome
    attempt.start_clock -= 601 * NANOSECONDS
    recorder._reap()
    recorder.flush()
    assert attempt.outcome == Outcome.ABANDONED
    assert call.outcome == Outcome.ABANDONED


def test_a_forked_child_starts_with_nothing_open(recorder: Recorder) -> None:
    streamed(recorder, routed=True, trace_id="trace")
    recorder.after_fork()
    assert recorder.in_flight == 0
    assert recorder.open_call("trace") is None


@pytest.mark.parametrize(
    ("status", "call", "disconnected", "outcome"),
    [
        (200, Outcome.COMPLETED, False, Outcome.COMPLETED),
        (200, Outcome.ERROR, False, Outcome.ERROR),
        (401, "", False, Outcome.REJECTED),
        (429, "", False, Outcome.REJECTED),
        (429, Outcome.ERROR, False, Outcome.ERROR),
        (401, Outcome.ERROR, False, Outcome.ERROR),
        (403, Outcome.COMPLETED, False, Outcome.REJECTED),
        (403, Outcome.CANCELLED, False, Outcome.REJECTED),
        (400, Outcome.ERROR, False, Outcome.REJECTED),
        (422, Outcome.REJECTED, False, Outcome.REJECTED),
        (500, Outcome.ERROR, False, Outcome.ERROR),
        (500, "", False, Outcome.ERROR),
        (None, Outcome.ERROR, False, Outcome.ERROR),
        (200, Outcome.CANCELLED, True, Outcome.CLIENT_DISCONNECTED),
        (499, Outcome.ERROR, False, Outcome.CLIENT_DISCONNECTED),
    ],
)
def test_outcome_of_a_request(
    status: int | None, call: str, disconnected: bool, outcome: str
) -> None:
    request = Request(proxied=True, status_code=status, disconnected=disconnected)
    if call:
        request.calls.append(Call(model="m", request=request, outcome=call))
    assert outcome_of_request(request) == outcome


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (Failure("HTTPException", status_code=403, kind=ErrorKind.GUARDRAIL), Outcome.REJECTED),
        (Failure("BadRequestError", status_code=400), Outcome.REJECTED),
        (Failure("RuntimeError"), Outcome.ERROR),
    ],
)
def test_outcome_of_a_stream_that_the_proxy_gave_up(failure: Failure, outcome: str) -> None:
    request = Request(proxied=True, status_code=200, failure=failure)
    request.calls.append(Call(model="m", request=request, outcome=Outcome.CANCELLED))
    assert outcome_of_request(request) == outcome


def test_the_end_of_the_process_ends_what_is_under_way(
    recorder: Recorder, collected: Collected
) -> None:
    request = Request(proxied=True)
    token = recorder.start_request(request)
    whole = attempt_of(recorder.start_call(model="m"))
    recorder.start_attempt(whole)
    recorder.leave_request(token)
    _, stream = streamed(recorder)
    recorder.end_all()
    recorder.flush()
    assert [record.outcome for record in (whole, stream, request)] == [Outcome.CANCELLED] * 3
    assert recorder.in_flight == 0
    count = collected.count()
    assert (count["attempt_ended"], count["call_ended"], count["request_settled"]) == (2, 2, 2)


def test_a_cooldown_is_told_once_and_of_the_attempt_that_caused_it(
    recorder: Recorder, collected: Collected
) -> None:
    call = recorder.start_call(model="m")
    attempt = attempt_of(call)
    attempt.deployment_id = "d"
    recorder.start_attempt(attempt)
    recorder.end_attempt(attempt, Outcome.ERROR, Failure("APIError"))
    for _ in range(2):  # outside the call's context, as LiteLLM's handlers run
        recorder.cooled_down(Cooldown("d", 5.0, "APIError", 500))
    assert collected.count()["cooled_down"] == 1
    assert attempt.cooldown_seconds == 5.0
