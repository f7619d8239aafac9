"""``build/demo-report.json``: the facts of the table, for programs. ``report.schema.json`` says
what each field means."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jsonschema

from ..paths import BUILD
from ..standins.otlp_records import Span
from ..standins.pagerduty import Event
from ..standins.slack import Message
from ..traffic import Traffic
from .checks import Check
from .tree import rows

PATH = BUILD / "demo-report.json"
SCHEMA = Path(__file__).with_name("report.schema.json")


@dataclass
class Report:
    """Filled while the demo goes on."""

    mode: str
    started: float
    seconds: dict[str, float] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=lambda: Traffic(()))
    checks: list[Check] = field(default_factory=list)
    trace: list[Span] = field(default_factory=list)
    spans_by_kind: dict[str, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    outage: float = 0.0
    refusals: list[str] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.checks) and not self.error and all(check.ok for check in self.checks)

    def document(self) -> dict[str, Any]:
        return {
            "schema_version": 1,
            "ok": self.ok,
            "error": self.error or None,
            "mode": self.mode,
            "started_at": datetime.fromtimestamp(self.started, timezone.utc).isoformat(),
            "seconds": {step: round(value, 2) for step, value in self.seconds.items()},
            "traffic": {
                "sent": len(self.traffic),
                "by_kind": dict(self.traffic.by_kind()),
                "by_status": dict(self.traffic.by_status()),
                "unexpected": dict(Counter(self.traffic.unexpected())),
            },
            "checks": [
                {
                    "where": check.where,
                    "what": check.what.strip(" …"),
                    "expected": check.expected,
                    "at_least": check.at_least,
                    "arrived": check.arrived,
                    "ok": check.ok,
                }
                for check in self.checks
            ],
            "spans_by_kind": self.spans_by_kind,
            "trace": [
                {
                    "depth": row.depth,
                    "kind": row.span.kind,
                    "name": row.span.name,
                    "status": row.span.status,
                    "milliseconds": round(row.span.duration * 1000, 2),
                    "attributes": row.attributes,
                }
                for row in rows(self.trace)
            ],
            "pages": [self._event(each) for each in self.events]
            + [self._message(each) for each in self.messages],
            "refusals": self.refusals,
            "addresses": self.addresses,
        }

    def write(self, path: Path = PATH) -> Path:
        document = self.document()
        jsonschema.validate(document, json.loads(SCHEMA.read_text()))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n")
        return path

    def _event(self, event: Event) -> dict[str, Any]:
        links = event.body.get("links") or [{}]
        return {
            "to": "pagerduty",
            "state": {"trigger": "firing", "resolve": "resolved"}.get(event.action, event.action),
            "text": event.summary,
            "severity": event.payload.get("severity"),
            "dedup_key": event.dedup_key,
            "link": links[0].get("href"),
            "seconds_after_outage": round(event.at - self.outage, 1),
        }

    def _message(self, message: Message) -> dict[str, Any]:
        attachment = (message.body.get("attachments") or [{}])[0]
        return {
            "to": "slack",
            "state": "resolved" if "RESOLVED" in message.text else "firing",
            "text": message.text,
            "severity": None,
            "dedup_key": None,
            "link": attachment.get("title_link"),
            "seconds_after_outage": round(message.at - self.outage, 1),
        }
