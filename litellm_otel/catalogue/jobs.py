"""The metrics of LiteLLM's jobs in the background: cleaning up, watching Redis and its own books."""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.metric import Metric, counter, gauge

CLEANUP_ROWS_DELETED: Final = counter(
    "litellm_spend_log_cleanup_rows_deleted",
    "{row}",
    "Rows of spend logs deleted because they were kept long enough.",
    "table",
)
CLEANUP_BATCH_DURATION: Final = Metric(
    "litellm_spend_log_cleanup_batch_duration_seconds",
    "histogram",
    "{second}",
    "Seconds that deleting one batch of them took.",
    ("table",),
    "litellm_spend_log_cleanup_batch_duration_seconds",
    (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
CLEANUP_ROWS_REMAINING: Final = gauge(
    "litellm_spend_log_cleanup_rows_remaining",
    "{row}",
    "Rows still to be deleted, counted up to a cap of LiteLLM's.",
    "table",
)
CLEANUP_FAILURES: Final = counter(
    "litellm_spend_log_cleanup_batch_failures",
    "{failure}",
    "Batches that could not be deleted.",
    "table",
)
CLEANUP_RUNS: Final = counter(
    "litellm_spend_log_cleanup_runs", "{run}", "Runs of the clean-up, by how they ended.", "outcome"
)
SPEND_LOG_STORAGE: Final = gauge(
    "litellm_spend_log_storage_bytes",
    "{byte}",
    "Disk that spend logs have, as the clean-up measured it: `allocated`, `estimated_live`, and what of that "
    "is `above_target`.",
    "measure",
)
SPEND_CAPTURE_RATE: Final = gauge(
    "litellm_spend_capture_rate",
    "{ratio}",
    "Share of a provider's own bill that LiteLLM's books have; nothing where it can't be told.",
    "api_provider",
)
BREAKER_STATE: Final = gauge(
    "litellm_redis_circuit_breaker_state",
    "{breaker}",
    "Circuit breakers of Redis in this process, by their state.",
    "state",
    workers="sum",
)
BREAKER_TRANSITIONS: Final = counter(
    "litellm_redis_circuit_breaker_transitions",
    "{transition}",
    "Changes of their state, by the state they changed to.",
    "state",
)
BREAKER_FAILURES: Final = counter(
    "litellm_redis_circuit_breaker_failures",
    "{failure}",
    "Failures that they counted, by class.",
    "failure_class",
)
LENS_WRITTEN: Final = counter(
    "litellm_lens_export_rows_written",
    "{record}",
    "Records of requests that LiteLLM's exporter to Lens has delivered.",
)
LENS_DROPPED: Final = counter(
    "litellm_lens_export_rows_dropped",
    "{record}",
    "Records of requests that it gave up.",
)
JOBS: Final = (
    CLEANUP_ROWS_DELETED,
    CLEANUP_BATCH_DURATION,
    CLEANUP_ROWS_REMAINING,
    CLEANUP_FAILURES,
    CLEANUP_RUNS,
    SPEND_LOG_STORAGE,
    SPEND_CAPTURE_RATE,
    BREAKER_STATE,
    BREAKER_TRANSITIONS,
    BREAKER_FAILURES,
    LENS_WRITTEN,
    LENS_DROPPED,
)
