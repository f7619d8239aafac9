"""OpenTelemetry configurator: starts the SDK, unless the application brought its own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace

from litellm_otel import announce, settings
from litellm_otel.process import is_helper, is_spawned

if TYPE_CHECKING:
    from collections.abc import Generator

METRICS_EXPORTER = "OTEL_METRICS_EXPORTER"


class LiteLLMOtelConfigurator:
    """What ``opentelemetry-instrument`` asks to set up providers; light until it has to."""

    def configure(self, **kwargs: Any) -> None:
        if is_helper() or settings.current().disabled:
            return
        from litellm_otel import delivery, lifecycle, logs, servers

        delivery.install()
        if application_has_providers():
            announce.logger.debug("litellm-otel: the application set up OpenTelemetry itself")
        else:
            try:
                _start_sdk(**kwargs)
            except Exception as error:
                announce.once(
                    f"OpenTelemetry could not be started, nothing is sent:"
                    f" {type(error).__name__}: {error}"
                )
        lifecycle.install()
        servers.install()
        logs.install()


def application_has_providers() -> bool:
    """Whether somebody configured OpenTelemetry in this process before us."""
    return not (
        isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
        and type(metrics.get_meter_provider()).__name__ == "_ProxyMeterProvider"
    )


def _start_sdk(**kwargs: Any) -> None:
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator

    from litellm_otel import lifecycle, prometheus, sessions

    class SDKConfigurator(_OTelSDKConfigurator):
        """OpenTelemetry's own way to start its SDK from the environment."""

    if os.environ.get("OTEL_CONFIG_FILE"):
        SDKConfigurator().configure()
    else:
        kwargs["exporter_args_map"] = sessions.exporter_arguments()
        if attributes := _own_identity():
            kwargs["resource_attributes"] = attributes
        with _prometheus_apart() as wanted:
            SDKConfigurator().configure(**kwargs)
        if wanted:
            prometheus.start()
    lifecycle.take_over_exit()


def _own_identity() -> dict[str, str]:
    """An instance id of its own for each spawned worker, where one id is set for all of them."""
    if not is_spawned():
        return {}
    for pair in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        name, _, value = pair.partition("=")
        if name.strip() == "service.instance.id":
            return {name.strip(): f"{value.strip()}-{os.getpid()}"}
    return {}


@contextmanager
def _prometheus_apart() -> Generator[bool]:
    """Hide ``prometheus`` from the SDK, which gives up everything when the port is taken."""
    before = os.environ.get(METRICS_EXPORTER, "")
    names = [name.strip() for name in before.split(",")]
    others = [name for name in names if name != "prometheus"]
    if others == names:
        yield False
        return
    os.environ[METRICS_EXPORTER] = ",".join(others) or "none"
    try:
        yield True
    finally:
        # Workers that are spawned later read it again.
        os.environ[METRICS_EXPORTER] = before
