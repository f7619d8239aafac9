"""Each metric of the catalogue is in Prometheus, by remote write, under the name the catalogue says."""

from __future__ import annotations

import pytest

from litellm_otel import catalogue
from stack.traffic import kinds
from stack.waiting import NotInTime, until
from stack.watched import Watched

pytestmark = pytest.mark.timeout(600)

# What only a misused or overloaded gateway shows.
NEEDS_AN_OVERFLOW = {catalogue.SERIES_DROPPED}


def test_every_metric_has_its_exact_name(shared: Watched) -> None:
    traffic = shared.send({kinds.WHOLE: 1, kinds.STREAMED: 1, kinds.FAILING: 1})
    assert not traffic.unexpected()
    expected = {
        metric.prometheus + suffix
        for metric in catalogue.CATALOGUE
        if metric not in NEEDS_AN_OVERFLOW
        for suffix in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
    }
    missing: set[str] = set()

    def all_there() -> bool:
        missing.clear()
        missing.update(expected - shared.arrived.metric_names())
        return not missing

    try:
        until(all_there, what="every metric of the catalogue is in Prometheus", timeout=30.0)
    except NotInTime:
        pytest.fail(f"not in Prometheus: {sorted(missing)}")
