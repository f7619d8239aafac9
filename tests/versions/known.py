"""What is known of our hooks in each LiteLLM version: all are in force, but for these.

A hook that has no place in a newer version than the last in here fails the canary, which names it: that
version broke something, and either the hook is mended or its new state is noted.
"""

from __future__ import annotations

from collections.abc import Mapping

from packaging.version import Version

from litellm_otel.reading import told

IN_FORCE = "in force"

ABSENT = "absent"
"""The module has it not, as is allowed for."""
WAITING = "waiting"
"""There is no such module, or it is only another name of one."""

_STREAM = "litellm.litellm_core_utils.streaming_handler:CustomStreamWrapper"
_OCR = {"litellm.ocr.dispatch:ocr": WAITING, "litellm.ocr.dispatch:aocr": WAITING}
"""Until then there was only what carries the decorator."""
_NATIVE = "callbacks_legacy_python:setup"
"""What LiteLLM's native library answers; there was none, then it moved."""
_MCP = "mcp_server.mcp_server_manager:MCPServerManager.call_tool"
_BREAKER = {"litellm._service_logger:ServiceLogging.redis_breaker_hook": ABSENT}
_FORMER_BREAKER = {
    f"litellm.caching.redis_cache:_BreakerMetrics.{told}": ABSENT
    for told in ("record_state_change", "record_transition", "record_failure")
}
"""How LiteLLM told of breakers until it had a hook for it."""
_CLEANUP = "litellm.proxy.db.db_transaction_queue.spend_log_cleanup_metrics:SpendLogCleanupMetrics"
_ADMISSION = "litellm.proxy.middleware.admission_control_middleware:AdmissionControlState"
_CALLBACK = "litellm.integrations.prometheus:PrometheusLogger"
_LENS = {
    f"litellm.tracing.exporter:LensExporter.{method}": WAITING for method in ("_wrote", "_drop")
}
_TOLD_LATER = {
    "litellm.proxy.spend_tracking.spend_capture_rate:_published_rate": WAITING,
    **{
        f"{_CLEANUP}.{told}": WAITING
        for told in (
            *("record_batch", "record_batch_failure", "set_rows_remaining", "record_run"),
            "set_storage_bytes",
        )
    },
    **{
        f"{_ADMISSION}.record_{told}": WAITING
        for told in ("admission", "release", "queue", "dequeue", "rejection")
    },
    **_BREAKER,
    **_FORMER_BREAKER,
    **_LENS,
}
"""What LiteLLM counts itself since 1.95 or later."""
_TOLD_TO_THE_CALLBACK = {f"{_CALLBACK}.{method}": ABSENT for method in ("get_instance", *told.TOLD)}

KNOWN: Mapping[str, Mapping[str, str]] = {
    "1.80.0": {
        f"{_STREAM}.aclose": ABSENT,
        f"{_STREAM}.close": ABSENT,
        "litellm.main:responses_with_retries": ABSENT,
        "litellm.responses.streaming_iterator:ResponsesWebSocketStreaming.backend_to_client": ABSENT,
        "litellm.main:aresponses_with_retries": ABSENT,
        "litellm.a2a_protocol.main:asend_message_streaming": WAITING,
        "litellm.a2a_protocol.streaming_iterator:A2AStreamingIterator.__init__": WAITING,
        "litellm.integrations.otel.logger:OpenTelemetryV2.__init__": WAITING,
        "litellm.integrations.otel.logger:publish_global_otel_v2_provider": WAITING,
        "litellm.integrations.otel.mount:instrument_fastapi_app": WAITING,
        f"litellm.proxy.{_MCP}": WAITING,
        f"litellm.rust_bridge.{_NATIVE}": WAITING,
        f"litellm.rust_bridge.host.{_NATIVE}": WAITING,
        "litellm.proxy.utils:ProxyLogging._emit_guardrail_metrics": ABSENT,
        **_TOLD_LATER,
        **_TOLD_TO_THE_CALLBACK,
        **_OCR,
    },
    "1.94.0": {
        f"{_STREAM}.close": ABSENT,
        f"litellm.proxy.{_MCP}": WAITING,
        f"litellm.rust_bridge.{_NATIVE}": WAITING,
        f"litellm.rust_bridge.host.{_NATIVE}": WAITING,
        **_TOLD_LATER,
        **_OCR,
    },
    "1.106.0": {
        f"{_STREAM}.close": ABSENT,
        f"litellm.proxy.{_MCP}": WAITING,
        f"litellm.rust_bridge.host.{_NATIVE}": WAITING,
        f"{_CLEANUP}.set_storage_bytes": ABSENT,
        **dict.fromkeys(_LENS, ABSENT),
        **_BREAKER,
    },
    "1.109.0": {
        f"litellm.proxy._experimental.{_MCP}": WAITING,
        f"litellm.rust_bridge.{_NATIVE}": WAITING,
        **_FORMER_BREAKER,
    },
}
"""From this version on: the hooks that are not in force, and what they are."""


def known_of(version: str) -> Mapping[str, str]:
    """By the newest version in the table that is not newer than this one."""
    not_newer = [known for known in KNOWN if Version(known) <= Version(version)]
    assert not_newer, f"LiteLLM {version} is older than any that was tested"
    return KNOWN[max(not_newer, key=Version)]
