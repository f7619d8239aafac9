"""Which seam each hook watches."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from litellm_otel import coexistence
from litellm_otel.hooks import agents, assistants, numbers, prometheus_callback, threads
from litellm_otel.hooks.configuration import Configuration
from litellm_otel.hooks.entry_points import EntryPoints
from litellm_otel.hooks.handlers import Handlers
from litellm_otel.hooks.last_resort import LastResort
from litellm_otel.hooks.pass_through import PassThrough
from litellm_otel.hooks.proxy import Callers, ProxyFailures, RequestMiddleware
from litellm_otel.hooks.router import RouterCalls
from litellm_otel.hooks.seams import Seam, Seams, wrapped_by
from litellm_otel.hooks.services import Services
from litellm_otel.hooks.streams import Streams
from litellm_otel.hooks.websockets import Providers

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.recorder import Recorder

_STREAMING = "litellm.litellm_core_utils.streaming_handler"
_LOGGING = "litellm.litellm_core_utils.litellm_logging"
_PASS_THROUGH = "litellm.proxy.pass_through_endpoints.pass_through_endpoints"


def seams_for(recorder: Recorder) -> Seams:
    """All hooks, telling this recorder what they see."""
    streams = Streams(recorder)
    entry_points = EntryPoints(recorder, streams)
    router = RouterCalls(recorder)
    handlers = Handlers(recorder)
    failures = ProxyFailures(recorder)
    services = Services(recorder)
    callers = Callers(recorder)
    configuration = Configuration(recorder)
    pass_through = PassThrough(recorder, streams)
    last_resort = LastResort(recorder)
    providers = Providers(recorder)

    def remember_class(next_method: Any) -> Any:
        streams.wrapper_class = sys.modules[_STREAMING].CustomStreamWrapper
        return streams.wrap_next(next_method)

    def add_middleware(app: Any) -> Any:
        if all(middleware.cls is not RequestMiddleware for middleware in app.user_middleware):
            app.add_middleware(RequestMiddleware, recorder=recorder, last_resort=last_resort)
            last_resort.watch(app)
        recorder.serves = True
        return app

    seams = Seams(
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
                "litellm.router",
                "Router.async_function_with_retries",
                wrapped_by(router.async_function_with_retries),
            ),
            Seam(
                "litellm.router",
                "Router._generic_api_call_with_fallbacks",
                wrapped_by(router.generic_api_call),
                optional=True,
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
            Seam(
                "litellm.proxy.auth.user_api_key_auth",
                "user_api_key_auth_builder",
                wrapped_by(callers.user_api_key_auth_builder),
                former=("_user_api_key_auth_builder",),
            ),
            Seam("litellm.proxy.proxy_server", "app", add_middleware),
            Seam(
                "litellm.proxy.proxy_server",
                "ProxyConfig.load_config",
                wrapped_by(configuration.load_config),
            ),
            Seam(
                "litellm._service_logger",
                "ServiceLogging.async_service_success_hook",
                wrapped_by(services.succeeded),
            ),
            Seam(
                "litellm._service_logger",
                "ServiceLogging.async_service_failure_hook",
                wrapped_by(services.failed),
            ),
            Seam(
                _PASS_THROUGH, "pass_through_request", wrapped_by(pass_through.pass_through_request)
            ),
            Seam(
                _PASS_THROUGH,
                "HttpPassThroughEndpointHelpers.init_kwargs_for_pass_through_endpoint",
                pass_through.wrap_init_kwargs,
                former=("HttpPassThroughEndpointHelpers._init_kwargs_for_pass_through_endpoint",),
            ),
            Seam(
                "litellm.responses.streaming_iterator",
                "ResponsesWebSocketStreaming.backend_to_client",
                wrapped_by(providers.backend_to_client),
                optional=True,
            ),
            *_undecorated(entry_points),
            *_spreading(entry_points),
            *numbers.seams(recorder),
            *prometheus_callback.seams(recorder),
            *coexistence.seams(),
        )
    )
    streams.replace, seams.removed = seams.replace, streams.forget
    return seams


def _undecorated(entry_points: EntryPoints) -> tuple[Seam, ...]:
    """Entry points that do not carry ``litellm.utils.client``."""
    places = [
        ("litellm.main", ("moderation",)),
        ("litellm.batches.main", ("cancel_batch", "acancel_batch")),
        ("litellm.fine_tuning.main", ("list_fine_tuning_jobs", "alist_fine_tuning_jobs")),
        ("litellm.assistants.main", assistants.FUNCTIONS),
        ("litellm.ocr.dispatch", ("ocr", "aocr")),
        ("litellm.a2a_protocol.main", ("asend_message_streaming",)),
    ]
    if os.environ.get("LITELLM_RUST"):
        # Then LiteLLM's native library answers these; otherwise they only lead to decorated ones.
        places.append(
            ("litellm.messages.dispatch", ("anthropic_messages", "anthropic_messages_handler"))
        )

    def call_tool(method: Any) -> Any:
        return entry_points.wrap_bare(method, "call_mcp_tool")

    return (
        Seam(
            "litellm.a2a_protocol.streaming_iterator",
            "A2AStreamingIterator.__init__",
            wrapped_by(agents.streaming_iterator),
            optional=True,
        ),
        *(
            Seam(module, function, entry_points.wrap_bare, optional=True)
            for module, functions in places
            for function in functions
        ),
        *(
            Seam(module, "setup", wrapped_by(entry_points.native_setup), optional=True)
            for module in (
                "litellm.rust_bridge.callbacks_legacy_python",
                "litellm.rust_bridge.host.callbacks_legacy_python",
            )
        ),
        # Below ``call_mcp_tool``, which LiteLLM's REST route and its own tool loop go past.
        *(
            Seam(
                f"litellm.proxy.{package}.mcp_server_manager",
                "MCPServerManager.call_tool",
                call_tool,
                optional=True,
            )
            for package in ("_experimental.mcp_server", "mcp_server")
        ),
    )


def _spreading(entry_points: EntryPoints) -> tuple[Seam, ...]:
    """What makes one call of several, and what makes several at once in threads of its own."""

    def spreading(entry_point: str) -> Callable[[Any], Any]:
        return lambda function: entry_points.wrap_spreading(function, entry_point)

    return (
        *(
            Seam("litellm.main", function, spreading(entry_point), optional=True)
            for function, entry_point in (
                ("completion_with_retries", "completion"),
                ("acompletion_with_retries", "acompletion"),
                ("responses_with_retries", "responses"),
                ("aresponses_with_retries", "aresponses"),
            )
        ),
        Seam("litellm.batch_completion.main", "litellm", threads.wrap_litellm, optional=True),
        Seam(
            "litellm.litellm_core_utils.fallback_utils",
            "run_async_function",
            wrapped_by(threads.run_async_function),
            optional=True,
        ),
    )
