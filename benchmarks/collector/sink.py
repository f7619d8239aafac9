"""A backend that takes everything at once: ``python -m benchmarks.collector.sink`` prints its port."""

from __future__ import annotations

import sys

from aiohttp import web

from benchmarks.serving import serve


async def _take(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


def application() -> web.Application:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/{path:.*}", _take)
    return app


if __name__ == "__main__":
    sys.exit(serve(application(), unpacked=False))
