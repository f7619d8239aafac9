"""How the benchmark's own servers start: on a free loopback port, which is their first line of output."""

from __future__ import annotations

import asyncio

from aiohttp import web


async def _serve(app: web.Application, unpacked: bool) -> None:
    runner = web.AppRunner(app, access_log=None, auto_decompress=unpacked)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def serve(app: web.Application, *, unpacked: bool = True) -> int:
    """Serve until interrupted or terminated; ``unpacked``: whether handlers get bodies decompressed."""
    try:
        asyncio.run(_serve(app, unpacked))
    except KeyboardInterrupt:
        return 0
    return 0
