"""``/metrics`` of the proxy itself, behind LiteLLM's own authentication."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import prometheus_client

from litellm_otel import announce
from litellm_otel.boundary import guarded
from litellm_otel.prometheus import authentication

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

PATH: Final = "/metrics"
_pool: ThreadPoolExecutor | None = None


@guarded
def add_to(proxy_server: Any, registry: Collector) -> None:
    """Serve the registry at the proxy's port."""
    app = proxy_server.app
    if not authentication.is_there(app):
        announce.once(
            f"this LiteLLM has no {authentication.MIDDLEWARE}: the proxy's {PATH} is not served, as"
            " everybody could read it; OTEL_METRICS_EXPORTER=prometheus serves it at a port of its own"
        )
        return
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Match, Mount, Route

    render: Any = vars(prometheus_client)["make_wsgi_app"](registry)

    class MetricsRoute(Route):
        def matches(self, scope: Any) -> Any:
            # LiteLLM's `prometheus` callback comes later, with the configuration.
            if any(isinstance(each, Mount) and each.path == PATH for each in app.routes):
                return Match.NONE, {}
            return super().matches(scope)

    async def metrics(request: Any) -> Response:
        global _pool
        refused = await authentication.refusal(request)
        if refused is not None:
            return PlainTextResponse(refused, 401)
        # Not the event loop's threads, of whose shortage this may have to tell.
        _pool = _pool or ThreadPoolExecutor(2, "litellm-otel-page")
        loop = asyncio.get_running_loop()
        headers, body = await loop.run_in_executor(_pool, _rendered, render, request)
        return Response(body, headers=headers)

    routes = [MetricsRoute(path, metrics, include_in_schema=False) for path in (PATH, f"{PATH}/")]
    app.router.routes[:0] = routes


def _rendered(render: Any, request: Any) -> tuple[dict[str, str], bytes]:
    headers: dict[str, str] = {}

    def start_response(_: str, given: list[tuple[str, str]]) -> None:
        headers.update(given)

    environment = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": PATH,
        "QUERY_STRING": request.url.query,
        "HTTP_ACCEPT": request.headers.get("accept", ""),
        "HTTP_ACCEPT_ENCODING": request.headers.get("accept-encoding", ""),
    }
    return headers, b"".join(render(environment, start_response))


def forget() -> None:
    """In a forked child, the threads are the parent's."""
    global _pool
    _pool = None
