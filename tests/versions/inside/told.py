"""What the newest LiteLLM tells its own metrics: what the one of the other tests does, and what is newer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from litellm_otel import catalogue
from tests.component.calls.test_told import *  # noqa: F403 - its tests and their fixtures

if TYPE_CHECKING:
    from tests.component.calls.recorded import Recorded


def test_disk_that_spend_logs_have(recorded: Recorded) -> None:
    from litellm.proxy.db.db_transaction_queue import spend_log_cleanup_metrics

    spend_log_cleanup_metrics.SpendLogCleanupMetrics.set_storage_bytes("allocated", 4096)
    labels = frozenset({"measure": "allocated"}.items())
    assert recorded.values(catalogue.SPEND_LOG_STORAGE.name) == {labels: 4096}


async def test_records_exported_to_lens(recorded: Recorded) -> None:
    from litellm.tracing.exporter import LensExporter

    async with httpx.AsyncClient() as client:
        exporter = LensExporter(client)
        exporter._wrote(3)
        exporter._drop(2)
    assert recorded.increments(catalogue.LENS_WRITTEN.name) == {frozenset(): 3}
    assert recorded.increments(catalogue.LENS_DROPPED.name) == {frozenset(): 2}
