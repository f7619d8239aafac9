"""Every route with every way that applies to it: what differs from the rule is said here, with the reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tests.component.matrix.differences import ANSWERED, DIFFERS, UNREACHED
from tests.component.matrix.route import Route
from tests.component.matrix.routes import ROUTES
from tests.component.matrix.site import COOLS, FALLS, Own
from tests.component.matrix.ways import WAYS, Ending, Way

STATUS = {
    "completed": "success",
    "error": "error",
    "rejected": "rejected",
    "client_disconnected": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Row:
    route: Route
    way: Way
    """With what this route's is said to differ in."""

    @property
    def key(self) -> str:
        return f"{self.way.name}/{self.route.id}"

    @property
    def id(self) -> str:
        return self.key.replace(" ", "-").replace(",", "").replace("/", "-").replace("'", "")

    @property
    def api_key(self) -> str:
        who = f"{self.way.key}-root" if self.route.admin else self.way.key
        # A limit is a key's: whoever is to meet one has one of their own.
        whose = self.key if self.way.at_once else who
        return f"sk-{who}-{hashlib.sha256(whose.encode()).hexdigest()[:16]}"

    @property
    def status(self) -> str:
        return STATUS[self.way.request.outcome]

    @property
    def called(self) -> str:
        """The group that the Router's span names."""
        return self.route.called or self.group

    @property
    def label(self) -> str:
        """The model that the metrics name; "" where that is none that LiteLLM serves."""
        route, way = self.route, self.way
        if way.label is not None:
            return way.label
        if way.attempts or way.call:
            if route.label is not None:
                return route.label if way.accepted or not route.claimed else ""
            return self.called
        if way.at == "the door" and "{group}" in route.path:
            return ""
        return "" if route.kind == "pass-through" else self.group

    @property
    def series(self) -> tuple[str, str, str]:
        """The model, provider and status that it is counted with."""
        provider = self.route.provider if self.way.attempts else "none"
        return self.label or "other", provider, self.status

    @property
    def routed(self) -> bool:
        return bool(self.route.called or (self.route.group and self.route.routed))

    @property
    def call(self) -> Ending | None:
        if not self.routed or not (self.way.attempts or self.way.call):
            return None
        return replace(self.way.call or self.way.attempts[-1], kind="INTERNAL", reason="")

    @property
    def own(self) -> Own | None:
        """The model group that nobody else asks for, where it needs one."""
        native = self.route.native and self.way.meets
        if not native and self.way.group != COOLS:
            return None
        account = f"{self.id}@{self.way.meets.removesuffix('-first-1')}" if native else ""
        name = f"{self.route.group}-{self.id}"
        return Own(
            name,
            self.route.group,
            account,
            falls=self.way.group == FALLS,
            cools=self.way.group == COOLS,
        )

    @property
    def group(self) -> str:
        return self.own.name if self.own else self.route.group + self.way.group


def applies(way: Way, route: Route) -> bool:
    if route.stream not in way.streams:
        return False
    if route.licensed or way.needs == "licence":
        return route.licensed and way.needs in ("licence", "key")
    if way.needs == "group":
        return bool(route.group)
    if way.needs == "router":
        return bool(route.group) and route.routed
    if way.needs == "cache":
        return route.cached
    return True


def _row(row: Row) -> Row:
    if any(fnmatchcase(row.key, pattern) for pattern in UNREACHED):
        row = replace(row, way=replace(row.way, **ANSWERED))
    for pattern, changes in DIFFERS.items():
        if fnmatchcase(row.key, pattern):
            row = replace(row, way=replace(row.way, **changes))
    return row


EVERY = tuple(Row(route, way) for route in ROUTES for way in WAYS if applies(way, route))
ROWS = tuple(_row(row) for row in EVERY)
