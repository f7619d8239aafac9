"""The pages of several processes as one: counts added, facts as the last of them to know tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from litellm_otel.catalogue import CATALOGUE
from litellm_otel.prometheus.families import Family, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litellm_otel.catalogue.metric import Workers
    from litellm_otel.prometheus.families import Key, Page

PID: Final = "pid"
"""The label of what each process has for itself; ``prometheus_client`` calls it so too."""
COUNTED: Final = ("counter", "histogram")
TARGET: Final = "target"
"""What all samples are of: the resource's attributes."""


def family_name(prometheus: str) -> str:
    """The name of the family that a metric is in; that of a counter is without its suffix."""
    return prometheus.removesuffix("_total")


_RULES: Final[dict[str, Workers]] = {
    family_name(metric.prometheus): metric.together for metric in CATALOGUE
}


def rule(family: Family) -> Workers:
    """How the family's samples of several processes become one."""
    known = _RULES.get(family.name)
    if known is not None:
        return known
    # Somebody else's: a count adds up, and of anything else nobody knows what it means.
    return "sum" if family.type in COUNTED else "each"


def merged(live: Iterable[tuple[int, Page]], gone: Page) -> Page:
    """One page of those of live processes, by their ids, and of what those that are gone have counted."""
    page: Page = {}
    add(page, gone)
    targets: list[Family] = []
    for pid, one in live:
        for family in one.values():
            if family.name == TARGET:
                targets.append(family)
                continue
            into = page.setdefault(
                family.name, Family(family.name, family.help, family.type, family.unit)
            )
            into.unit = into.unit or family.unit
            together = rule(family)
            for (name, labels), sample in family.samples.items():
                key: Key = (name, labels)
                if together == "each":
                    key = (name, (*labels, (PID, str(pid))))
                _join(into.samples, key, sample, newest=together == "newest")
    if targets:
        page[TARGET] = _common(targets)
    return page


def add(page: Page, other: Page) -> None:
    """Add the counts of another page."""
    for family in other.values():
        if rule(family) != "sum" or family.type not in COUNTED:
            continue
        into = page.setdefault(
            family.name, Family(family.name, family.help, family.type, family.unit)
        )
        for key, sample in family.samples.items():
            _join(into.samples, key, sample, newest=False)


def _join(samples: dict[Key, Sample], key: Key, sample: Sample, *, newest: bool) -> None:
    present = samples.get(key)
    if present is None:
        samples[key] = Sample(sample.value, sample.exemplar, sample.told)
        return
    if newest:
        if (sample.told, sample.value) > (present.told, present.value):
            samples[key] = sample
        return
    present.value += sample.value
    if sample.exemplar is not None and (
        present.exemplar is None or sample.exemplar[2] > present.exemplar[2]
    ):
        present.exemplar = sample.exemplar


def _common(targets: list[Family]) -> Family:
    """One sample of what all of them say alike."""
    sets = [set(labels) for family in targets for _, labels in family.samples]
    first = targets[0]
    labels = tuple(sorted(sets[0].intersection(*sets[1:])))
    return Family(
        first.name, first.help, first.type, first.unit, {("target_info", labels): Sample(1.0)}
    )
