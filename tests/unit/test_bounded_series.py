"""Callers and models without end: what is kept of them has an end, and nothing that was counted is lost."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from benchmarks.strangers import Strangers, values
from litellm_otel import catalogue
from litellm_otel.emit import bounded, gauges

MAX_SERIES = 200
STRANGERS = 4 * MAX_SERIES
COST = 0.5


def test_memory_and_scrape_are_bounded_and_sums_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bounded, gauges):
        monkeypatch.setattr(module, "MAX_SERIES", MAX_SERIES)
    strangers = Strangers()

    def kept() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    strangers.record(0, STRANGERS)
    before = kept()
    strangers.record(STRANGERS, STRANGERS)
    grown = kept() - before
    tracemalloc.stop()
    assert grown < 50_000, "more callers, and it grows on"

    by_metric = strangers.scrape()
    spend = by_metric["litellm_spend_metric_total"]
    assert len(spend) == MAX_SERIES + 1
    assert sum(values(spend)) == STRANGERS * 2 * COST
    budgets = by_metric["litellm_remaining_api_key_budget_metric"]
    assert len(budgets) == MAX_SERIES
    assert min(values(budgets)) >= STRANGERS * 2 - MAX_SERIES
    for name, lines in by_metric.items():
        of_one = max(len(metric.buckets) for metric in catalogue.CATALOGUE) + 3
        assert len(lines) <= (MAX_SERIES + 1) * of_one, name
    capped = "\n".join(by_metric["litellm_otel_metrics_overflowed_total"])
    assert 'metric="litellm_spend_metric"' in capped
    assert 'metric="litellm_remaining_api_key_budget_metric"' in capped
