"""PagerDuty's Events API v2: ``POST /v2/enqueue``, with its rules, limits and answers.

Rules as documented at developer.pagerduty.com (Events API v2 overview, send an alert event), the
wording of the errors as the service sends it.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from .server import StandIn

_ACTIONS = ("trigger", "acknowledge", "resolve")
_SEVERITIES = ("critical", "warning", "error", "info")
_LARGEST_EVENT = 512 * 1024
_URL = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Event:
    """An accepted event."""

    action: str
    dedup_key: str
    routing_key: str
    body: dict[str, Any]
    at: float = field(default_factory=time.time)

    @property
    def payload(self) -> dict[str, Any]:
        return self.body.get("payload") or {}

    @property
    def summary(self) -> str:
        return self.payload.get("summary", "")


class PagerDuty(StandIn):
    """Takes events of the integrations whose keys it knows; with none given, of any."""

    name = "PagerDuty"

    def __init__(self, port: int | None = None, *, routing_keys: Iterable[str] = ()) -> None:
        super().__init__(port)
        self.routing_keys = frozenset(routing_keys)
        self.events: list[Event] = []

    @property
    def enqueue_url(self) -> str:
        return f"{self.url}/v2/enqueue"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/v2/enqueue", self._enqueue)]

    def state(self) -> dict[str, Any]:
        return {"events": [asdict(event) for event in self.events]}

    def forget(self) -> None:
        self.events.clear()

    def of_alert(self, alertname: str) -> list[Event]:
        """The events that name an alert, and the resolves of the incidents those opened."""
        opened = {
            event.dedup_key
            for event in self.events
            if event.action == "trigger" and alertname in json.dumps(event.body)
        }
        return [event for event in self.events if event.dedup_key in opened]

    async def _enqueue(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if len(raw) > _LARGEST_EVENT:
            return self._refused(f"Event exceeds {_LARGEST_EVENT} bytes", status=413)
        try:
            body = json.loads(raw)
        except ValueError:
            return self._refused("JSON parse error", "Unrecognized object", raw)
        if not isinstance(body, dict):
            return self._refused("Event is not an object", "Unrecognized object", raw)
        errors = violations(body)
        key = str(body.get("routing_key"))
        if not errors and self.routing_keys and key not in self.routing_keys:
            errors = ["Invalid routing key"]
        if errors:
            return self._refused(errors, "invalid event", raw)
        event = Event(body["event_action"], body.get("dedup_key") or uuid.uuid4().hex, key, body)
        self.events.append(event)
        return web.json_response(
            {"status": "success", "message": "Event processed", "dedup_key": event.dedup_key},
            status=202,
        )

    def _refused(
        self,
        errors: str | list[str],
        kind: str = "invalid event",
        raw: bytes = b"",
        status: int = 400,
    ) -> web.Response:
        errors = [errors] if isinstance(errors, str) else errors
        self.refuse("/v2/enqueue", "; ".join(errors), raw[:2000].decode(errors="replace"))
        return web.json_response(
            {"status": kind, "message": "Event object is invalid", "errors": errors}, status=status
        )


def violations(body: dict[str, Any]) -> list[str]:
    """What the service would say is wrong with an event; nothing if it would accept it."""
    errors: list[str] = []
    key = body.get("routing_key")
    if not key:
        errors.append("'routing_key' is missing or blank")
    elif not isinstance(key, str) or len(key) != 32:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    action = body.get("event_action")
    if action not in _ACTIONS:
        errors.append("'event_action' is invalid (must be 'trigger', 'acknowledge' or 'resolve')")
    dedup_key = body.get("dedup_key")
    if dedup_key is not None and (not isinstance(dedup_key, str) or len(dedup_key) > 255):
        errors.append("'dedup_key' is invalid (must be a string of at most 255 characters)")
    if action in ("acknowledge", "resolve") and not dedup_key:
        errors.append("'dedup_key' is missing or blank")
    if action == "trigger":
        errors.extend(_payload_violations(body.get("payload")))
    errors.extend(_attachment_violations(body, "links", "href"))
    errors.extend(_attachment_violations(body, "images", "src"))
    client_url = body.get("client_url")
    if client_url and not _URL.fullmatch(str(client_url)):
        errors.append("'client_url' is invalid (must be a URL)")
    return errors


def _payload_violations(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    errors: list[str] = []
    for name in ("summary", "source", "severity"):
        value = payload.get(name)
        if not isinstance(value, str) or not value.strip():
            errors.append(f"'payload.{name}' is missing or blank")
    severity = payload.get("severity")
    if severity and severity not in _SEVERITIES:
        errors.append(
            "'payload.severity' is invalid (must be one of the following: "
            "'critical', 'warning', 'error' or 'info')"
        )
    if len(str(payload.get("summary") or "")) > 1024:
        errors.append("'payload.summary' is too long (maximum is 1024 characters)")
    details = payload.get("custom_details")
    if details is not None and not isinstance(details, dict):
        errors.append("'payload.custom_details' is invalid (must be an object)")
    return errors


def _attachment_violations(body: dict[str, Any], name: str, address: str) -> list[str]:
    entries = body.get(name)
    if entries is None:
        return []
    if not isinstance(entries, list):
        return [f"'{name}' is invalid (must be an array)"]
    secure = "https://" if name == "images" else ("http://", "https://")
    return [
        f"'{name}[{index}].{address}' is invalid (must be a URL)"
        for index, entry in enumerate(entries)
        if not isinstance(entry, dict) or not str(entry.get(address, "")).startswith(secure)
    ]
