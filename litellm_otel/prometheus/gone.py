"""What processes that are gone have counted: added up in one file, under a lock, by whoever finds them."""

from __future__ import annotations

import contextlib
import fcntl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from litellm_otel.emit.distributions import BUCKETS, SUM
from litellm_otel.prometheus import families
from litellm_otel.prometheus.families import Family, Sample, labels_key
from litellm_otel.prometheus.merging import add, family_name
from litellm_otel.workers import ledger
from litellm_otel.workers.meeting import LEDGER, lives

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from litellm_otel.prometheus.families import Page
    from litellm_otel.workers.ledger import Series
    from litellm_otel.workers.meeting import Member

SOCKET: Final = ".sock"
GONE: Final = "gone.json"
REMEMBERED: Final = 1000
"""Names of those that are gone; one is needed as long as a scrape lasts."""


@dataclass(slots=True)
class Gone:
    """What processes that are gone have counted, and which those are."""

    page: Page = field(default_factory=dict[str, "Family"])
    names: list[str] = field(default_factory=list[str])
    silent: Page = field(default_factory=dict[str, "Family"])
    """The counts of those that live and don't answer."""


def settle(member: Member, answered: set[str]) -> Gone:
    """Add up what those have counted that are gone. ``answered``: those that have spoken for themselves."""
    with _alone(member.directory / "gone.lock"):
        gone = _settled(member.directory / GONE)
        found: list[str] = []
        for name in member.others(LEDGER):
            file = member.directory / f"{name}{LEDGER}"
            if lives(file):
                if name not in answered:
                    add(gone.silent, read(file.read_bytes()))
                continue
            found.append(name)
            add(gone.page, read(file.read_bytes()))
        if found:
            gone.names = [*gone.names, *found][-REMEMBERED:]
            with contextlib.suppress(OSError):  # a full disk: they are added up next time
                _write(member.directory / GONE, families.dump(gone.page, names=gone.names))
                for name in found:
                    for suffix in (LEDGER, SOCKET):
                        (member.directory / f"{name}{suffix}").unlink(missing_ok=True)
        return gone


def read(data: bytes) -> Page:
    """A ledger as it would have been scraped of its process."""
    page: Page = {}
    for series in ledger.read(data).series:
        add(page, {"": _one(series)})
    return page


def _one(series: Series) -> Family:
    metric, cells = series.metric, series.cells
    labels: dict[str, Any] = series.attributes
    family = Family(family_name(metric.prometheus), metric.description, metric.kind)
    if metric.kind != "histogram":
        if cells[series.index]:
            family.samples[metric.prometheus, labels_key(labels)] = Sample(cells[series.index])
        return family
    count = 0.0
    name = metric.prometheus
    for bound, observed in zip((*metric.buckets, "+Inf"), cells[BUCKETS:-1], strict=True):
        count += observed
        key = labels_key({**labels, "le": str(bound)})
        family.samples[f"{name}_bucket", key] = Sample(count)
    # As the last bucket says, should the process have died between the two.
    family.samples[f"{name}_count", labels_key(labels)] = Sample(count)
    family.samples[f"{name}_sum", labels_key(labels)] = Sample(cells[SUM])
    return family


def _settled(file: Path) -> Gone:
    try:
        page, more = families.load(file.read_bytes())
    except FileNotFoundError:
        return Gone()
    return Gone(page, more["names"])


def _write(file: Path, data: bytes) -> None:
    being_made = file.with_suffix(".new")
    being_made.write_bytes(data)
    being_made.rename(file)


@contextlib.contextmanager
def _alone(file: Path) -> Generator[None]:
    """One thread of one process at a time."""
    with file.open("wb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
