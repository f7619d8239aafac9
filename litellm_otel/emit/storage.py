"""Where the cells of counters and histograms are kept: in lists, or in what outlives the process."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from typing import TypeAlias

Cells: TypeAlias = "MutableSequence[float]"
Labels: TypeAlias = "tuple[str | int | None, ...]"


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics of the catalogue that share their labels, and so the cells of each series."""

    metrics: tuple[str, ...]
    labels: tuple[str, ...]
    size: int
    """Cells of a series: one for each counter, or those of one histogram; and one for `since`."""


Keep: TypeAlias = Callable[[Family, "Labels | None"], "Cells | None"]
"""Makes the cells of a series; labels are None for the overflow series. None where it has no room."""

_keep: Keep | None = None
_in_lists = False


def keep_in(keep: Keep | None) -> None:
    """Have the cells of series that are yet to come made by this."""
    global _keep
    _keep = None if _in_lists else keep


def keep_in_lists() -> None:
    """For good: what is counted here is not what this process' meter provider sends."""
    global _in_lists
    _in_lists = True
    keep_in(None)


def outlives_us() -> bool:
    """Whether what is counted is still there when this process is killed."""
    return _keep is not None


def cells(family: Family, labels: Labels | None) -> Cells:
    """The cells of a new series, all 0 but the last, which says when it began."""
    made = _keep(family, labels) if _keep is not None else None
    given: Cells = [0] * family.size if made is None else made  # pyright: ignore[reportAssignmentType]
    given[-1] = float(time.time_ns())
    return given


def since(cells: MutableSequence[float] | tuple[float, ...]) -> int:
    """When the series began: nanoseconds since the epoch, to the 256 that a float tells apart."""
    return int(cells[-1])
