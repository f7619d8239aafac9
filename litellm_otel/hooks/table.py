"""Which seam each hook watches."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from litellm_otel.hooks.entry_points import EntryPoints
from litellm_otel.hooks.handlers import Handlers
from litellm_otel.hooks.proxy import ProxyFailures, RequestMiddleware
from litellm_otel.hooks.router import RouterCalls
from litellm_otel.hooks.seams import Seam, Seams, wrapped_by
from litellm_otel.hooks.streams import Streams

if TYPE_CHECKING:
    from litellm_otel.recorder import Recorder

_STREAMING = "litellm.litellm_core_utils.streaming_handler"
_LOGGING = "litellm.litellm_core_utils.litellm_logging"


def seams_for(recorder: Recorder) -> Seams:
    """All hooks, telling this recorder what they see."""
    streams = Streams(recorder)
    entry_points = EntryPoints(recorder, streams)
    router = RouterCalls(recorder)
    handlers = Handlers(recorder)
    failures = ProxyFailures(recorder)

    def remember_class(next_method: Any) -> Any:
        streams.wrapper_class = sys.modules[_STREAMING].CustomStreamWrapper
        return streams.wrap_next(next_method)

    def add_middleware(app: Any) -> Any:
        app.add_middleware(RequestMiddleware, recorder=recorder)
        recorder.serves = True
        return app

    return Seams(
        (
            Seam("litellm.utils", "client", entry_points.wrap_client),
            Seam(_STREAMING, "CustomStreamWrapper.__next__", remember_class),
            Seam(_STREAMING, "CustomStreamWrapper.__anext__", streams.wrap_anext),
            Seam(_STREAMING, "CustomStreamWrapper.aclose", streams.wrap_aclose, optional=True),
            Seam(_STREAMING, "CustomStreamWrapper.close", streams.wrap_close, optional=True),
            Seam(_STREAMING, "CustomStreamWrapper.__del__", streams.wrap_del, created=True),
            Seam(
                _LOGGING,
                "Logging.async_success_handler",
                wrapped_by(handlers.async_success_handler),
            ),
            Seam(_LOGGING, "Logging.success_handler", wrapped_by(handlers.success_handler)),
            Seam(
                "litellm.router",
                "Router.async_function_with_fallbacks",
                wrapped_by(router.async_function_with_fallbacks),
            ),
            Seam(
                "litellm.router_utils.cooldown_cache",
                "CooldownCache.add_deployment_to_cooldown",
                wrapped_by(router.add_deployment_to_cooldown),
            ),
            Seam(
                "litellm.proxy.utils",
                "ProxyLogging.post_call_failure_hook",
                wrapped_by(failures.post_call_failure_hook),
            ),
            Seam("litellm.proxy.proxy_server", "app", add_middleware),
        )
    )
