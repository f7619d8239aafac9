"""What is known of our hooks in each LiteLLM version: all are in force, but for these.

A hook that has no place in a newer version than the last in here fails the canary, which names it: that
version broke something, and either the hook is mended or its new state is noted.
"""

from __future__ import annotations

from collections.abc import Mapping

from packaging.version import Version

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

KNOWN: Mapping[str, Mapping[str, str]] = {
    "1.80.0": {
        f"{_STREAM}.aclose": ABSENT,
        f"{_STREAM}.close": ABSENT,
        "litellm.main:responses_with_retries": ABSENT,
        "litellm.main:aresponses_with_retries": ABSENT,
        "litellm.a2a_protocol.main:asend_message_streaming": WAITING,
        "litellm.integrations.otel.logger:OpenTelemetryV2.__init__": WAITING,
        "litellm.integrations.otel.logger:publish_global_otel_v2_provider": WAITING,
        "litellm.integrations.otel.mount:instrument_fastapi_app": WAITING,
        f"litellm.proxy.{_MCP}": WAITING,
        f"litellm.rust_bridge.{_NATIVE}": WAITING,
        f"litellm.rust_bridge.host.{_NATIVE}": WAITING,
        **_OCR,
    },
    "1.94.0": {
        f"{_STREAM}.close": ABSENT,
        f"litellm.proxy.{_MCP}": WAITING,
        f"litellm.rust_bridge.{_NATIVE}": WAITING,
        f"litellm.rust_bridge.host.{_NATIVE}": WAITING,
        **_OCR,
    },
    "1.106.0": {
        f"{_STREAM}.close": ABSENT,
        f"litellm.proxy.{_MCP}": WAITING,
        f"litellm.rust_bridge.host.{_NATIVE}": WAITING,
    },
    "1.109.0": {
        f"litellm.proxy._experimental.{_MCP}": WAITING,
        f"litellm.rust_bridge.{_NATIVE}": WAITING,
    },
}
"""From this version on: the hooks that are not in force, and what they are."""


def known_of(version: str) -> Mapping[str, str]:
    """By the newest version in the table that is not newer than this one."""
    not_newer = [known for known in KNOWN if Version(known) <= Version(version)]
    assert not_newer, f"LiteLLM {version} is older than any that was tested"
    return KNOWN[max(not_newer, key=Version)]
