"""Every metric of LiteLLM's list is caused in a real proxy, and read from a real Prometheus.

One proxy is asked everything once (`metrics_traffic.traffic`); of each metric a row says which series has to
come of it, with all its labels, and computes its value from what was asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

import pytest

from litellm_otel import catalogue
from stack.paths import RunDirectory
from stack.site import Backends
from stack.waiting import NotInTime, until
from tests.stack.metrics_traffic.row import By, Row, Series, wrong
from tests.stack.metrics_traffic.rows_of_accounts import ACCOUNTS
from tests.stack.metrics_traffic.rows_of_calls import DEPLOYMENTS, PROXY, USAGE
from tests.stack.metrics_traffic.rows_of_limits import LIMITS
from tests.stack.metrics_traffic.rows_of_services import JOBS, OF_SERVICES
from tests.stack.metrics_traffic.site import running_site
from tests.stack.metrics_traffic.traffic import Traffic, counted_by_litellm, send

ROWS = (*PROXY, *USAGE, *DEPLOYMENTS, *LIMITS, *OF_SERVICES, *JOBS, *ACCOUNTS)
LITELLMS_LIST = 146
"""How many metrics LiteLLM has."""
NEWER = dict.fromkeys(
    (catalogue.SPEND_LOG_STORAGE, catalogue.LENS_WRITTEN, catalogue.LENS_DROPPED),
    "told by newer versions of LiteLLM: tests/versions",
)
"""What this version of LiteLLM does not tell, and why."""
PATIENCE = 30.0


@dataclass(frozen=True)
class Seen:
    """What was asked, and what there was of it in Prometheus while it was, and in the end."""

    traffic: Traffic
    held: Series
    after: Series

    def series_of(self, row: Row) -> Series:
        return self.held if row.held else self.after


def wait_for(rows: list[Row], backends: Backends, traffic: Traffic) -> Series:
    """The series as soon as they are right; as they are when that takes too long."""
    series = Series(backends.prometheus)

    def right() -> bool:
        nonlocal series
        series = Series(backends.prometheus)
        return not any(wrong(row, traffic, series) for row in rows)

    with suppress(NotInTime):
        until(right, what="all series are right", timeout=PATIENCE, interval=0.3)
    return series


@pytest.fixture(scope="module")
def seen(backends: Backends, run: RunDirectory) -> Iterator[Seen]:
    held: list[Series] = []
    refused = len(backends.provider.failures)
    with running_site(backends, run) as proxy:

        def look() -> None:
            held.append(wait_for([row for row in ROWS if row.held], backends, Traffic()))

        traffic = send(proxy, look)
        traffic.counted_before = counted_by_litellm(proxy)
        traffic.counted_after = dict.fromkeys(traffic.counted_before, float("inf"))
        after = wait_for([row for row in ROWS if not row.held], backends, traffic)
        traffic.counted_after = counted_by_litellm(proxy)
        assert backends.provider.failures[refused:] == []
        yield Seen(traffic, held[0], after)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.metric.name)
def test_metric(seen: Seen, row: Row) -> None:
    found = wrong(row, seen.traffic, seen.series_of(row))
    assert not found, found


def test_no_series_has_another_label(seen: Seen) -> None:
    odd = {
        name: found
        for row in ROWS
        for suffix in (("_count", "_sum") if row.metric.kind == "histogram" else ("",))
        for name in (row.metric.prometheus + suffix,)
        if (
            found := set(chain.from_iterable(labels for labels, _ in seen.after.of(name)))
            - set(row.metric.attributes)
        )
    }
    assert odd == {}


def test_every_metric_has_a_row(
    seen: Seen, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or a reason for which it has none."""
    litellms = {
        metric
        for metric in catalogue.CATALOGUE
        if metric.name in catalogue.LITELLMS
        or any(metric in service.metrics for service in catalogue.SERVICES)
        or metric in (*catalogue.JOBS, catalogue.IN_FLIGHT)
    }
    rows = {row.metric: row for row in ROWS}
    assert len(rows) == len(ROWS)
    assert litellms == set(rows) | set(NEWER)
    assert len(litellms) == LITELLMS_LIST
    right = [row for row in ROWS if not wrong(row, seen.traffic, seen.series_of(row))]
    by = Counter(row.by for row in right)
    how = ", ".join(f"{by[each]} by {each.value}" for each in By)
    reasons = Counter(NEWER.values())
    terminal = pytestconfig.get_terminal_writer()
    with capsys.disabled():
        terminal.line()
        terminal.line(
            f"{len(right)} of {LITELLMS_LIST} rows driven and read from Prometheus: {how}"
        )
        for why, count in reasons.items():
            terminal.line(f"  {count} not here: {why}")
