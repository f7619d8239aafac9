"""What the client saw of one request, and sums of that over many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .kinds import Kind


@dataclass(frozen=True)
class Exchange:
    """One request and what came back."""

    kind: Kind
    trace_id: str  # of the traceparent that was sent, else empty
    http: int | None  # None: no answer at all
    call_id: str
    chunks: int
    completion_tokens: int | None
    started: float
    ended: float
    error: str = ""

    @property
    def as_expected(self) -> bool:
        return self.http == self.kind.http and not self.error

    @property
    def status(self) -> str:
        """The ``status`` label under which this request has to be counted."""
        if self.http == self.kind.http:
            return self.kind.status
        return "success" if self.http == 200 else "error"

    @property
    def routed(self) -> bool:
        """Whether it got past the proxy's own checks, to the Router."""
        return self.status != "rejected"


class Traffic(Sequence[Exchange]):
    """Exchanges in the order in which they ended."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = tuple(exchanges)

    def __getitem__(self, index: int) -> Exchange:  # type: ignore[override]
        return self._exchanges[index]

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._exchanges)

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic((*self._exchanges, *other))

    def of(self, kind: Kind) -> list[Exchange]:
        return [each for each in self if each.kind == kind]

    @property
    def routed(self) -> int:
        return sum(each.routed for each in self)

    def by_kind(self) -> Counter[str]:
        return Counter(each.kind.name for each in self)

    def by_status(self) -> Counter[str]:
        """How many requests have to be counted under each ``status`` label."""
        return Counter(each.status for each in self)

    @property
    def attempts(self) -> int:
        """How many requests the provider has to have got."""
        return sum(each.kind.attempts for each in self)

    def unexpected(self) -> list[str]:
        """One line for each request that met something else than its kind says."""
        return [
            f"{each.kind.name}: HTTP {each.http} instead of {each.kind.http} {each.error}".strip()
            for each in self
            if not each.as_expected
        ]
