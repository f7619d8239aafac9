"""Each metric of the catalogue is in Prometheus, by remote write, under the name the catalogue says."""

from __future__ import annotations

import pytest

from litellm_otel import catalogue
from stack.traffic import kinds
from stack.waiting import NotInTime, until
from stack.watched import Watched

pytestmark = pytest.mark.timeout(600)

# What this traffic does not cause: no cache, no image, nobody's budget, neither Redis nor a database.
NEEDS_MORE = {
    catalogue.SERIES_DROPPED,
    catalogue.INPUT_CACHED_TOKENS,
    catalogue.INPUT_CACHE_CREATION_TOKENS,
    catalogue.INPUT_AUDIO_TOKENS,
    catalogue.OUTPUT_REASONING_TOKENS,
    catalogue.OUTPUT_AUDIO_TOKENS,
    catalogue.VIDEO_SECONDS,
    catalogue.IMAGES,
    catalogue.CACHE_HITS,
    catalogue.CACHED_TOKENS,
    catalogue.PROVIDER_CACHE_READ_TOKENS,
    catalogue.PROVIDER_CACHE_CREATION_TOKENS,
    catalogue.DEPLOYMENT_COOLDOWNS,
    *(
        metric
        for service in catalogue.SERVICES
        for metric in service.metrics
        if service.name not in ("auth", "self", "proxy_pre_call", "router")
        or metric is service.failed
    ),
}


def test_every_metric_has_its_exact_name(shared: Watched) -> None:
    traffic = shared.send({kinds.WHOLE: 1, kinds.STREAMED: 1, kinds.FAILING: 1})
    assert not traffic.unexpected()
    expected = {
        metric.prometheus + suffix
        for metric in catalogue.CATALOGUE
        if metric not in NEEDS_MORE
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
