"""The variables of LiteLLM's own OpenTelemetry callback, in terms of the standard ones.

Each is used only where its standard counterpart is unset, so that the configuration of somebody who
comes from that callback keeps working.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from litellm_otel import environment as env
from litellm_otel.sdk_environment import SIGNALS, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXPORTERS: Mapping[str, tuple[str, str | None]] = {
    "console": ("console", None),
    "otlp": ("otlp", None),
    "otlp_http": ("otlp", "http/protobuf"),
    "http/protobuf": ("otlp", "http/protobuf"),
    "http/json": ("otlp", "http/protobuf"),
    "otlp_grpc": ("otlp", "grpc"),
    "grpc": ("otlp", "grpc"),
}
_SIGNAL_PATHS = tuple(f"/v1/{signal}" for signal in SIGNALS)


def translate(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The standard variables to set, and a line for each value that has no translation."""

    def get(name: str) -> str:
        return environ.get(name, "").strip()

    found: dict[str, str] = {}
    problems: list[str] = []

    def default(name: str, value: str) -> None:
        if not get(name):
            found[name] = value

    endpoint = get(env.LEGACY_ENDPOINT)
    if endpoint:
        for path in _SIGNAL_PATHS:
            endpoint = endpoint.rstrip("/").removesuffix(path)
        default("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    if get(env.LEGACY_HEADERS):
        default("OTEL_EXPORTER_OTLP_HEADERS", get(env.LEGACY_HEADERS))

    exporter = get(env.LEGACY_EXPORTER)
    if exporter in _EXPORTERS:
        # With an endpoint LiteLLM sends over HTTP, even where `console` is asked for.
        name, protocol = _EXPORTERS["otlp_http" if endpoint and exporter == "console" else exporter]
        for signal in SIGNALS:
            default(f"OTEL_{signal.upper()}_EXPORTER", name)
        if protocol:
            default("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    elif exporter:
        problems.append(
            f"{env.LEGACY_EXPORTER}={exporter!r}: unknown{suggestion(exporter, _EXPORTERS)},"
            " ignored; use otlp_http, otlp_grpc or console"
        )

    name = get(env.LEGACY_ENVIRONMENT_NAME)
    attributes = get("OTEL_RESOURCE_ATTRIBUTES")
    if name and "deployment.environment" not in attributes:
        own = f"deployment.environment.name={quote(name, safe=' ')}"
        found["OTEL_RESOURCE_ATTRIBUTES"] = f"{attributes},{own}" if attributes else own
    return found, problems
