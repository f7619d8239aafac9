"""Slack's incoming webhooks: ``POST /services/T…/B…/…``, with its checks and its short answers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from .server import StandIn

_TEAM = re.compile(r"T[A-Z0-9]{2,}")
_HOOK = re.compile(r"B[A-Z0-9]{2,}")
_TOKEN = re.compile(r"[A-Za-z0-9]{16,}")
_COLOUR = re.compile(r"good|warning|danger|#?[0-9A-Fa-f]{6}")
_BLOCK_TYPES = frozenset(
    {"actions", "context", "divider", "file", "header", "image", "input", "markdown"}
    | {"rich_text", "section", "video"}
)
_LARGEST_TEXT = 40_000
_MOST_ATTACHMENTS = 100
_MOST_BLOCKS = 50


@dataclass(frozen=True)
class Message:
    """An accepted message."""

    path: str
    body: dict[str, Any]
    at: float = field(default_factory=time.time)

    @property
    def text(self) -> str:
        """What a reader in the channel sees first."""
        parts = [self.body.get("text") or ""]
        for attachment in self.body.get("attachments") or []:
            parts += [attachment.get("title") or "", attachment.get("text") or ""]
        return "\n".join(part for part in parts if part)


class Slack(StandIn):
    """One workspace with the webhooks it knows; with none given, with any of the right form."""

    name = "Slack"
    webhook = "/services/T0LITELLM/B0ALERTS/abcdefghijklmnopqrstuvwx"

    def __init__(self, port: int | None = None, *, webhooks: Iterable[str] = ()) -> None:
        super().__init__(port)
        self.webhooks = frozenset(webhooks)
        self.messages: list[Message] = []

    @property
    def webhook_url(self) -> str:
        return self.url + self.webhook

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/services/{team}/{hook}/{token}", self._post)]

    def state(self) -> dict[str, Any]:
        return {"messages": [asdict(message) for message in self.messages]}

    def forget(self) -> None:
        self.messages.clear()

    def of_alert(self, alertname: str) -> list[Message]:
        """The messages that name an alert, be it in the anchor of its runbook only."""
        return [
            each for each in self.messages if alertname.lower() in json.dumps(each.body).lower()
        ]

    async def _post(self, request: web.Request) -> web.Response:
        team, hook, token = (request.match_info[part] for part in ("team", "hook", "token"))
        if not (_TEAM.fullmatch(team) and _HOOK.fullmatch(hook) and _TOKEN.fullmatch(token)):
            return self._refused(request, 404, "no_service")
        if self.webhooks and request.path not in self.webhooks:
            return self._refused(request, 403, "invalid_token")
        body, raw = await _read(request)
        if not isinstance(body, dict):
            return self._refused(request, 400, "invalid_payload", raw)
        problem = violation(body)
        if problem:
            return self._refused(request, 400, problem, raw)
        self.messages.append(Message(request.path, body))
        return web.Response(text="ok")

    def _refused(
        self, request: web.Request, status: int, reason: str, raw: bytes = b""
    ) -> web.Response:
        self.refuse(request.path, reason, raw[:2000].decode(errors="replace"))
        return web.Response(status=status, text=reason)


async def _read(request: web.Request) -> tuple[Any, bytes]:
    """The message: a JSON body, or the form field ``payload`` with JSON in it."""
    raw = await request.read()
    if request.content_type == "application/x-www-form-urlencoded":
        source: Any = (await request.post()).get("payload", "")
    else:
        source = raw
    try:
        return json.loads(source), raw
    except (TypeError, ValueError):
        return None, raw


def violation(body: dict[str, Any]) -> str | None:
    """The error code Slack would answer with, or ``None``."""
    text, attachments, blocks = (body.get(name) for name in ("text", "attachments", "blocks"))
    if text is not None and not isinstance(text, str):
        return "invalid_payload"
    if len(text or "") > _LARGEST_TEXT:
        return "msg_too_long"
    if not text and not attachments and not blocks:
        return "no_text"
    if attachments is not None and (problem := _attachments_violation(attachments)):
        return problem
    if blocks is not None and not _blocks_fit(blocks):
        return "invalid_blocks"
    return None


def _attachments_violation(attachments: Any) -> str | None:
    if not isinstance(attachments, list):
        return "invalid_attachments"
    if len(attachments) > _MOST_ATTACHMENTS:
        return "too_many_attachments"
    for each in attachments:
        if not isinstance(each, dict):
            return "invalid_attachments"
        if not any(each.get(name) for name in ("text", "fallback", "title", "blocks", "fields")):
            return "missing_text_or_fallback_or_attachments"
        for name in ("text", "fallback", "title", "title_link", "pretext", "footer"):
            if not isinstance(each.get(name, ""), str):
                return "invalid_attachments"
        if each.get("color") and not _COLOUR.fullmatch(each["color"]):
            return "invalid_attachments"
        for entry in each.get("fields") or []:
            if not isinstance(entry, dict) or not isinstance(entry.get("value", ""), str):
                return "invalid_attachments"
        if each.get("blocks") and not _blocks_fit(each["blocks"]):
            return "invalid_blocks"
    return None


def _blocks_fit(blocks: Any) -> bool:
    return (
        isinstance(blocks, list)
        and len(blocks) <= _MOST_BLOCKS
        and all(isinstance(block, dict) and block.get("type") in _BLOCK_TYPES for block in blocks)
    )
