"""Every route of the proxy that leads to a provider, and every way a request to it can end.

One real proxy, asked everything at once; then each row is held against what came of its request: the
answer, the tree of spans and the record, and all rows together against the counter.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from litellm_otel.reading.call_kinds import CALL_KINDS
from tests.component.matrix import seeing
from tests.component.matrix.asking import Client
from tests.component.matrix.differences import DIFFERS, UNREACHED
from tests.component.matrix.routes import NOT_ASKED, ROUTES, WITHOUT_ROUTE
from tests.component.matrix.rows import EVERY, ROWS, Row
from tests.component.matrix.site import running_site
from tests.component.otlp_sink import attributes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.component.matrix.site import Site

pytestmark = pytest.mark.timeout(900)

PREFIXES = "mapped_pass_through_routes"
LLM_ROUTES = {
    PREFIXES,
    *("openai_routes", "anthropic_routes", "google_routes"),
    *("litellm_native_routes", "mcp_inference_routes", "agent_inference_routes"),
}
"""LiteLLM's lists of them."""
SETTLED = 60.0
"""Seconds within which the last telemetry comes."""
Counts = Counter[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Came:
    """What came of all rows."""

    seen: Mapping[str, seeing.Seen]
    counted: Counts
    failures: Sequence[object]
    output: str


def counts(site: Site) -> Counts:
    """Requests by model, provider and status, so far."""
    last: Counts = Counter()
    for metric in site.sink.metrics:
        if metric.data.name == "litellm.requests":
            for point in metric.data.sum.data_points:
                labels = attributes(point)
                key = str(labels["model"]), str(labels["provider"]), str(labels["status"])
                last[key] = int(point.as_double or point.as_int)
    return last


def settled(site: Site, requests: int) -> Counts:
    """The counts, once that many requests have been told of."""

    def told() -> int:
        return sum(log.data.event_name == "litellm.request" for log in site.sink.logs)

    site.sink.wait_for(lambda: min(told(), counts(site).total()) >= requests, SETTLED)
    return counts(site)


def ask(site: Site, rows: Sequence[Row]) -> Came:
    client = Client(site)
    client.ask_all([row for row in rows if row.way.first and not row.way.at_once], before=True)
    before = settled(site, client.made)
    # Apart: once another answer from the same provider was given up as if in such a hurry, too.
    hasty = [row for row in rows if row.way.name == "timeout"]
    asked = client.ask_all([row for row in rows if row not in hasty]) | client.ask_all(hasty)
    after = settled(site, client.made)

    def there() -> bool:
        seen = seeing.collect(site, asked)
        return all(seeing.is_there(row, seen[row.key]) for row in rows)

    site.sink.wait_for(there, SETTLED)
    seen = seeing.collect(site, asked)
    return Came(seen, after - before, list(site.provider.failures), site.proxy.output)


@pytest.fixture(scope="module")
def came(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Came:
    """Of the rows that are to be tested."""
    wanted = {item.callspec.params["row"].key for item in request.session.items if _is_row(item)}
    rows = [row for row in ROWS if row.key in wanted]
    owns = [row.own for row in rows if row.own is not None]
    with running_site(tmp_path_factory.mktemp("matrix"), owns) as site:
        return ask(site, rows)


def _is_row(item: pytest.Item) -> bool:
    return getattr(item, "originalname", "") == test_row.__name__


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_row(came: Came, row: Row) -> None:
    assert list(seeing.differences(row, came.seen[row.key])) == []


def test_each_is_counted_once(came: Came) -> None:
    rows = [row for row in ROWS if row.key in came.seen]
    wanted = Counter(row.series for row in rows)
    answered = {row.route.id: row for row in ROWS if row.way.name == "answered"}
    wanted += Counter(answered[row.route.id].series for row in rows if row.way.at_once)
    assert came.counted == wanted


def test_nothing_broke(came: Came) -> None:
    assert came.failures == []
    assert "the call is not affected" not in came.output


def test_every_call_kind_has_a_route() -> None:
    kinds = {kind.name for kind in CALL_KINDS}
    having = {route.kind for route in ROUTES}
    assert having <= kinds
    assert kinds - having == set(WITHOUT_ROUTE)


def _litellms_routes() -> set[str]:
    """As its source has them: it is not to be imported where other tests instrument it first."""
    spec = find_spec("litellm")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent / "proxy" / "_types.py"
    classes = (
        node for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef)
    )
    (routes,) = [node for node in classes if node.name == "LiteLLMRoutes"]
    lists = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in routes.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in LLM_ROUTES
    }
    assert lists.keys() == LLM_ROUTES
    lists[PREFIXES] = [f"{prefix}/*" for prefix in lists[PREFIXES]]
    return {_plain(route) for paths in lists.values() for route in paths}


def _plain(path: str) -> str:
    """Without its version, and without the names of what is in it."""
    path = re.sub(r"^(/openai)?(/v\d(beta)?)?(?=/)", "", path)
    return re.sub(r"\{[^}]*\}", "*", path)


def test_every_route_of_litellms_is_asked_for() -> None:
    theirs = _litellms_routes()
    left = theirs - {_plain(route.server or route.path) for route in ROUTES}
    unexplained = {path for path in left if not any(fnmatchcase(path, why) for why in NOT_ASKED)}
    assert unexplained == set()
    for pattern in NOT_ASKED:
        assert any(fnmatchcase(path, pattern) for path in left), f"{pattern} is of no route"


def test_what_is_said_to_be_otherwise_is() -> None:
    """Each exception is of rows, and changes something in every one of them."""
    assert len({row.key for row in ROWS}) == len(EVERY)
    for pattern in UNREACHED:
        assert any(fnmatchcase(row.key, pattern) for row in EVERY), f"{pattern} is of no row"
    for pattern, changes in DIFFERS.items():
        rows = [row for row in EVERY if fnmatchcase(row.key, pattern)]
        assert rows, f"{pattern} is of no row"
        for row in rows:
            assert replace(row.way, **changes) != row.way, f"{pattern} changes nothing in {row.key}"
