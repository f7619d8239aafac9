"""Asks every row of the table of the one proxy, many at a time, each with a trace of its own."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.component.matrix.rows import Row
    from tests.component.matrix.site import Site

AT_ONCE = 24
PATIENCE = 60.0
ADA = "sk-ada-0123456789abcdef"


@dataclass(slots=True)
class Asked:
    """One request as its client saw it."""

    trace: str
    parent: str
    status: int = 0
    """0 where the client did not wait for the answer."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    broken: bool = False
    """Whether the answer was cut off."""
    body: str = ""
    ended: float = 0.0


def filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


class Client:
    """Whoever asks the rows."""

    def __init__(self, site: Site) -> None:
        self._provider = site.provider
        self._url = site.proxy.url
        self.made = 0
        """Requests so far."""
        self._names = self._identifiers()

    def _identifiers(self) -> dict[str, str]:
        """Of what the proxy keeps, or knows the owner of: only it can give them out."""
        as_ada = {"authorization": f"Bearer {ADA}"}
        with httpx.Client(base_url=self._url, headers=as_ada, timeout=PATIENCE) as asks:

            def made(path: str, body: dict[str, Any]) -> str:
                self.made += 1
                return str(asks.post(path, json=body).raise_for_status().json()["id"])

            self.made += 1
            tools = asks.get("/mcp-rest/tools/list").raise_for_status().json()["tools"]
            return {
                "response": made("/v1/responses", {"model": "chat", "input": "Keep it."}),
                "video": made("/v1/videos", {"model": "film", "prompt": "A film."}),
                "container": made("/v1/containers", {"name": "c"}),
                "calc": tools[0]["mcp_info"]["server_id"],
            }

    def ask_all(self, rows: Sequence[Row], *, before: bool = False) -> dict[str, Asked]:
        """The rows' answers by key; ``before``: of the requests that are to be made before theirs."""
        return asyncio.run(self._ask_all(rows, before))

    async def _ask_all(self, rows: Sequence[Row], before: bool) -> dict[str, Asked]:
        room = asyncio.Semaphore(AT_ONCE)
        # A connection that is kept may be closed by the server just when it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=self._url, timeout=PATIENCE, limits=limits) as client:

            async def one(row: Row) -> Asked:
                async with room:
                    if row.way.at_once and not before:
                        await self._ask(client, row, before=True)
                    return await self._ask(client, row, before)

            asked = await asyncio.gather(*(one(row) for row in rows))
        return {row.key: answer for row, answer in zip(rows, asked, strict=True)}

    async def _ask(self, client: httpx.AsyncClient, row: Row, before: bool) -> Asked:
        self.made += 1
        asked = Asked(secrets.token_hex(16), secrets.token_hex(8))
        meets = row.way.first if before else row.way.meets
        if meets:
            self._provider.meet(asked.trace, meets)
        leaves = row.way.leaves and not row.route.stream
        if leaves:
            # Or it could be answered before its client gets to leave.
            self._provider.hold(asked.trace)
        reading = asyncio.create_task(self._read(client, row, asked, before))
        if leaves:
            deadline = time.monotonic() + PATIENCE
            while not self._has_met(row, asked.trace) and not reading.done():
                assert time.monotonic() < deadline, "the provider was not asked"
                await asyncio.sleep(0.02)
            reading.cancel()
        await asyncio.wait([reading])
        self._provider.let_go(asked.trace)
        if not reading.cancelled():
            reading.result()
        asked.ended = time.time()
        return asked

    def _has_met(self, row: Row, trace: str) -> bool:
        if row.own is not None:
            return any(call.account == row.own.account for call in self._provider.calls)
        return self._provider.has_met(trace)

    async def _read(self, client: httpx.AsyncClient, row: Row, asked: Asked, before: bool) -> None:
        path, given = _message(row, self._names)
        given["headers"] |= {
            "authorization": f"Bearer {row.api_key}",
            "x-goog-api-key": row.api_key,
            "traceparent": f"00-{asked.trace}-{asked.parent}-01",
        }
        status = 0
        try:
            async with client.stream(row.route.method, path, **given) as answer:
                status, asked.headers = answer.status_code, dict(answer.headers)
                async for part in answer.aiter_text():
                    asked.body += part
                    if row.way.leaves and part and not before:
                        return
            asked.status = status
        except httpx.RemoteProtocolError:
            asked.status, asked.broken = status, True


def _message(row: Row, names: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The request's path, and its arguments for httpx."""
    route = row.route
    names = {**names, "group": row.group}
    model = {} if not row.group or route.names_group else {"model": row.group}
    given: dict[str, Any] = {"headers": {**route.headers, **row.way.headers}}
    if route.query:
        given["params"] = {name: filled(value, names) for name, value in route.query.items()}
    if route.form is not None:
        given["data"] = {**model, **route.form}
        given["files"] = dict(route.files) or None
    elif route.body is not None:
        stream = {"stream": True} if route.stream and route.asks_for_stream else {}
        body = {**model, **route.body, **stream, **row.way.more}
        given["content"] = filled(json.dumps(body), names)
        given["headers"]["content-type"] = "application/json"
    return filled(route.path, names), given
