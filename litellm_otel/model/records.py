"""The records: a client's `Request`, a Router or SDK `Call` in it, each upstream `Attempt` of that.

Times: ``start_ns`` and ``end_ns`` are nanoseconds since the Unix epoch; ``end_ns`` is the start plus a
monotonic difference, so that a step of the wall clock can't make a duration wrong. Every ``*_clock``
is ``time.perf_counter_ns()``. Durations handed out are seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from litellm_otel.model.content import Content, Conversation

from litellm_otel.model.vocabulary import Outcome

NANOSECONDS = 1_000_000_000


@dataclass(slots=True)
class Failure:
    """Why something failed, safe to show: the message is redacted and cut before it gets here."""

    type: str
    """The exception's class as LiteLLM names it, for instance ``RateLimitError``."""
    message: str = ""
    status_code: int | None = None
    """The HTTP status LiteLLM gives the failure, where it gives one."""
    kind: str = "other"
    """One of `ErrorKind`."""
    exception_class: str = ""
    """The class as LiteLLM's own metrics name it, mostly with the provider's name before it."""


@dataclass(slots=True, frozen=True)
class Identity:
    """Who asked, as LiteLLM's proxy knows it. Unknown is ``None``; no secret is ever in here."""

    key_hash: str | None = None
    key_alias: str | None = None
    team_id: str | None = None
    team_alias: str | None = None
    user_id: str | None = None
    organization_id: str | None = None
    organization_alias: str | None = None
    end_user: str | None = None
    session_id: str | None = None
    tags: tuple[str, ...] = ()
    user_email: str | None = None
    project_id: str | None = None
    project_alias: str | None = None
    client_ip: str | None = None
    user_agent: str | None = None
    route: str | None = None
    """The path asked for, as LiteLLM's metrics name it: with parameters' names in place of their values."""
    custom_labels: tuple[tuple[str, str], ...] = ()
    """What LiteLLM's settings want of the metadata as labels of metrics."""

    def completed_by(self, other: Identity) -> Identity:
        """This one, with what only the other knows."""
        if other is ANONYMOUS or other is self:
            return self
        return _completed(self, other)


ANONYMOUS = Identity()


@lru_cache(maxsize=1024)
def _completed(known: Identity, other: Identity) -> Identity:
    """Most who ask have asked before."""
    missing = {
        item.name: getattr(other, item.name)
        for item in fields(known)
        if not getattr(known, item.name)
    }
    return replace(known, **missing)


@dataclass(slots=True)
class Usage:
    """Tokens as billed. Input includes cached tokens, output includes reasoning tokens."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_write_5m_input_tokens: int | None = None
    """Of those written to a cache: to be kept for five minutes."""
    cache_write_1h_input_tokens: int | None = None
    """Of those written to a cache: to be kept for an hour."""
    reasoning_output_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    image_input_tokens: int | None = None
    image_output_tokens: int | None = None
    estimated: bool = False
    """True where the provider sent none and the tokens were counted from the text seen so far."""

    @property
    def counted(self) -> bool:
        """Whether there are tokens in it at all."""
        return bool(self.input_tokens or self.output_tokens)

    def plus(self, other: Usage) -> Usage:
        """The tokens of both."""
        total = Usage(estimated=self.estimated or other.estimated)
        for each in fields(Usage):
            ours, theirs = getattr(self, each.name), getattr(other, each.name)
            if each.name != "estimated" and (ours is not None or theirs is not None):
                setattr(total, each.name, (ours or 0) + (theirs or 0))
        return total


@dataclass(slots=True)
class Parameters:
    """What an attempt asked for, from an allow-list of arguments."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    choice_count: int | None = None
    stop_sequences: tuple[str, ...] = ()
    dimension_count: int | None = None
    encoding_formats: tuple[str, ...] = ()
    output_type: str | None = None
    """text, json, image, speech or video."""
    reasoning_level: str | None = None
    service_tier: str | None = None
    previous_response_id: str | None = None
    retrieval_top_k: int | None = None
    data_source_id: str | None = None
    tool_name: str | None = None
    size: str | None = None
    quality: str | None = None
    voice: str | None = None
    language: str | None = None


@dataclass(slots=True)
class Response:
    """What came back."""

    id: str | None = None
    model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    status: str | None = None
    """Of a stored response or a job, as the provider words it."""
    service_tier: str | None = None
    system_fingerprint: str | None = None
    error: Any = None
    """What the provider says went wrong after it had begun to answer: its own words, not to be shown."""


@dataclass(slots=True, kw_only=True)
class Record:
    """What the three kinds have in common."""

    start_ns: int = field(default_factory=time.time_ns)
    start_clock: int = field(default_factory=time.perf_counter_ns)
    end_ns: int = 0
    outcome: str = ""
    failure: Failure | None = None
    emitted: Any = None
    """What the emitters keep for this record between its start and its end; nobody else's."""

    def stop_clock(self, clock: int | None = None) -> None:
        """Set the end, once; later calls change nothing. ``clock``: perf_counter_ns, now if not given."""
        if not self.end_ns:
            elapsed = (time.perf_counter_ns() if clock is None else clock) - self.start_clock
            self.end_ns = self.start_ns + elapsed

    @property
    def duration(self) -> float:
        """Seconds from start to end; up to now while it runs."""
        if self.end_ns:
            return (self.end_ns - self.start_ns) / NANOSECONDS
        return (time.perf_counter_ns() - self.start_clock) / NANOSECONDS

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        """LiteLLM copies what it is handed; a record has one identity."""
        return self


@dataclass(slots=True, kw_only=True)
class Request(Record):
    """What a client asked for: one HTTP request to the proxy, or one outermost SDK or Router call."""

    method: str = ""
    path: str = ""
    status_code: int | None = None
    call_id: str | None = None
    """LiteLLM's ``x-litellm-call-id``."""
    model: str | None = None
    """The model group asked for, once LiteLLM has accepted it as one."""
    identity: Identity = ANONYMOUS
    proxied: bool = False
    """True for an HTTP request to the proxy; False for a call made through the SDK or a Router."""
    calls: list[Call] = field(default_factory=list["Call"])
    baggage: tuple[tuple[str, str], ...] = ()
    """Members of the caller's baggage that the settings name."""
    disconnected: bool = False
    internal: bool = False
    """True where nobody asked for it but the proxy itself: it is not counted and has no record."""
    ending: str = ""
    """Of a session, or of what is cancelled: how it ends, as soon as that is known."""
    conversation: Conversation | None = None
    """What is said in a session, where content is asked for and may be read."""
    provisional: bool = False
    """True where it turns out to be a request only if something is asked of a provider in it."""
    unsettled: int = 0
    """Attempts that have not been settled yet."""
    settled: bool = False

    @property
    def final_failure(self) -> Failure | None:
        """The failure that ended the request; one that was overcome is not its own."""
        if self.outcome not in (Outcome.ERROR, Outcome.REJECTED):
            return None
        call = self.calls[-1].failure if self.calls else None
        attempt = self.last_attempt
        return call or (attempt.failure if attempt is not None else None) or self.failure

    @property
    def last_attempt(self) -> Attempt | None:
        """The attempt that decided the request: the newest of the newest call that has any."""
        for call in reversed(self.calls):
            if call.last_attempt is not None:
                return call.last_attempt
        return None


@dataclass(slots=True, kw_only=True)
class Call(Record):
    """One logical call: a Router call with its retries and fallbacks, or one SDK call."""

    model: str
    """The model group (Router) or the model (SDK) asked for."""
    routed: bool = False
    """True for a Router call, which gets a span of its own."""
    operation: str = ""
    strategy: str | None = None
    trace_id: str | None = None
    """LiteLLM's ``litellm_trace_id``, shared by all attempts of the call."""
    identity: Identity = ANONYMOUS
    request: Request
    around: Attempt | None = None
    """The attempt in which LiteLLM, or what it runs, makes this call: part of that, not one of the client's."""
    cache_hit: bool = False
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0
    group: str = ""
    """The model group being tried now."""
    group_attempts: int = 0
    last_attempt: Attempt | None = None
    last_failure: Failure | None = None
    returned: bool = False
    """True once the caller has its result, be it a stream still to be read."""
    broken: Attempt | None = None
    """The attempt whose stream failed last, for which a fallback may yet stand in."""
    hops: int = 0
    """Fallbacks of such a stream under way."""

    @property
    def deciding_attempt(self) -> Attempt | None:
        """The one whose end the caller sees: where no fallback helps a broken stream, that of the stream."""
        last = self.last_attempt
        helped = last is None or last.failure is None
        return last if helped else self.broken or last


@dataclass(slots=True, kw_only=True)
class Attempt(Record):
    """One call of one deployment, whether or not it reached the provider."""

    call: Call
    operation: str
    """The GenAI operation: chat, text_completion, embeddings, ..."""
    call_type: str
    """LiteLLM's name of the entry point, for instance ``acompletion``."""
    model: str
    """The model as the provider knows it."""
    target: str | None = None
    """What is called, where that is not the model: a tool, a vector store; "" where it is nothing."""
    target_server: str | None = None
    """The MCP server that has the tool, by LiteLLM's name for it."""
    provider: str = ""
    """LiteLLM's name of the provider, for instance ``azure``."""
    server_address: str | None = None
    server_port: int | None = None
    api_base: str | None = None
    """Scheme, host and path that it is configured to go to; no query, nobody's name or password."""
    number: int = 1
    """1 for the first attempt of the call, counted through retries and fallbacks."""
    retry_number: int = 0
    """0 for the first attempt in its model group, then 1, 2, ..."""
    fallback_number: int = 0
    """0 in the group asked for, then 1 in the first fallback group, ..."""
    model_group: str = ""
    deployment_id: str | None = None
    reason: str | None = None
    """One of `AttemptReason`; ``None`` for the first attempt."""
    previous_error: str | None = None
    """What failed before it, which is why this one was made."""
    cooldown_seconds: float | None = None
    """For how long its failure took the deployment out of rotation, where it did."""
    call_id: str | None = None
    inner_call_ids: tuple[str, ...] = ()
    """What LiteLLM calls it in entry points that this one is made of, where not the same."""
    identity: Identity = ANONYMOUS
    parameters: Parameters = field(default_factory=Parameters)
    stream: bool = False
    sent: bool = True
    """False where LiteLLM answered without asking a provider: a cache hit, or its own refusal."""
    cache_hit: bool = False
    response: Response = field(default_factory=Response)
    usage: Usage = field(default_factory=Usage)
    quantity: float | None = None
    """What was used besides tokens or instead, in the unit below."""
    unit: str = ""
    """image, second, character, page, search or call; "" where tokens are the only measure."""
    cost: float | None = None
    """US dollars, as LiteLLM computed them."""
    cost_parts: dict[str, float] = field(default_factory=dict[str, float])
    """The same by what it was for: input, output, cache_read, cache_write, reasoning, tools, ..."""
    first_chunk_clock: int = 0
    last_chunk_clock: int = 0
    chunks: int = 0
    asked: Any = None
    """What a stream was asked with, opaque in here, for counting tokens; let go when it is settled."""
    seen: Any = None
    """The stream's chunks as they came, likewise."""
    unquotable: Callable[[], tuple[Sequence[str], Sequence[str]]] | None = None
    """The contents and the secrets that it was given, looked up where a failure may quote them; likewise."""
    counted: bool = True
    """False where its tokens and cost were counted before: those of a stored response."""
    accounted: bool = True
    """False where LiteLLM keeps no account of it: calls share what it logs with, and it logs one of them."""
    delegated: bool = False
    """True where its answer is made by calls within it, which are counted themselves."""
    within: Within | None = None
    """What the calls within it have taken, once there are any."""
    account: tuple[Usage | None, float | None, dict[str, float]] | None = None
    """LiteLLM's account, where it came before the end: usage, cost and its parts."""
    content: Content | None = None
    """What was said, only where that is asked for; let go when it is emitted."""
    settled: bool = False
    """True once the attempt has been handed to the emitters as ended."""

    @property
    def of_tool(self) -> bool:
        """Whether it calls a tool, not a model."""
        return self.operation == "execute_tool"

    @property
    def idle_seconds(self) -> float:
        """Seconds since the attempt started or its newest chunk came."""
        newest = self.last_chunk_clock or self.start_clock
        return (time.perf_counter_ns() - newest) / NANOSECONDS

    @property
    def time_to_first_chunk(self) -> float | None:
        """Seconds from the start to the first chunk; ``None`` before it, or without a stream."""
        if not self.first_chunk_clock:
            return None
        return (self.first_chunk_clock - self.start_clock) / NANOSECONDS

    @property
    def time_per_output_chunk(self) -> float | None:
        """Mean seconds between two chunks; ``None`` with fewer than two."""
        if self.chunks < 2:
            return None
        return (self.last_chunk_clock - self.first_chunk_clock) / NANOSECONDS / (self.chunks - 1)


@dataclass(slots=True)
class Within:
    """The calls within an attempt, all together."""

    unsettled: int = 0
    """Attempts of theirs that have not been settled yet."""
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    cost_parts: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, attempt: Attempt) -> None:
        """One of them is settled."""
        self.usage = self.usage.plus(attempt.usage)
        if attempt.cost is not None:
            self.cost = (self.cost or 0.0) + attempt.cost
        for part, cost in attempt.cost_parts.items():
            self.cost_parts[part] = self.cost_parts.get(part, 0.0) + cost


@dataclass(slots=True, frozen=True)
class Cooldown:
    """A deployment that the Router takes out of rotation for a while."""

    deployment_id: str
    seconds: float | None
    failure_type: str
    status_code: int | None


@dataclass(slots=True, frozen=True)
class ServiceEvent:
    """One use of something LiteLLM depends on, or the size of one of its queues."""

    service: str
    """One of LiteLLM's ``ServiceTypes``."""
    seconds: float | None
    function: str
    error_class: str | None = None
    """None where it succeeded."""
    size: float | None = None
    sized: str = ""
    """What has that size, as LiteLLM labels it."""
