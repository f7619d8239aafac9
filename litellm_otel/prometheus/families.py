"""Metric families as Prometheus knows them, as plain data that processes can hand to each other."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Key: TypeAlias = "tuple[str, tuple[tuple[str, str], ...]]"
"""A sample's name and its labels, sorted."""


@dataclass(slots=True)
class Sample:
    value: float
    exemplar: tuple[dict[str, str], float, float] | None = None
    """Labels, value and seconds since the epoch."""
    told: float = 0.0
    """``time.monotonic()`` when this was told of, where that is known."""


@dataclass(slots=True)
class Family:
    name: str
    help: str
    type: str
    unit: str = ""
    samples: dict[Key, Sample] = field(default_factory=dict["Key", "Sample"])


Page: TypeAlias = "dict[str, Family]"
"""Families by name."""

_UNFIT: Final = re.compile(r"[^a-zA-Z0-9]+")


def label_name(attribute: str) -> str:
    """An attribute's name as the exporter writes it."""
    return _UNFIT.sub("_", attribute)


def label_value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def labels_key(labels: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The labels of a series, in one order; an empty label is none."""
    pairs = ((label_name(name), label_value(value)) for name, value in labels.items())
    return tuple(sorted(pair for pair in pairs if pair[1]))


def dump(page: Page, **more: Any) -> bytes:
    families: list[Any] = [
        [
            family.name,
            family.help,
            family.type,
            family.unit,
            [
                [name, labels, sample.value, sample.exemplar, sample.told]
                for (name, labels), sample in family.samples.items()
            ],
        ]
        for family in page.values()
    ]
    return json.dumps({**more, "families": families}).encode()


def load(data: bytes) -> tuple[Page, dict[str, Any]]:
    """The page, and what else was given to `dump`."""
    content: dict[str, Any] = json.loads(data)
    return _page(content.pop("families")), content


def _page(families: Iterable[Any]) -> Page:
    page: Page = {}
    for name, text, kind, unit, samples in families:
        family = page[name] = Family(name, text, kind, unit)
        for sample, labels, value, exemplar, told in samples:
            key = (sample, tuple((label, text) for label, text in labels))
            family.samples[key] = Sample(value, tuple(exemplar) if exemplar else None, told)
    return page
