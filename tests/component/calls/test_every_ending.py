"""The list of endings against the rows of the tests: each way a call can end has one, and no row is of none."""

from __future__ import annotations

from tests.component import test_proxy_endings
from tests.component.calls import test_endings, test_exits, test_router_endings
from tests.component.calls.endings import ENDINGS

MODULES = (test_endings, test_exits, test_router_endings, test_proxy_endings)


def test_each_ending_has_its_rows() -> None:
    wanted = {cell for ending in ENDINGS for cell in ending.cells()}
    rows = {row.cell for module in MODULES for row in module.ROWS}
    assert sorted(wanted - rows) == []
    assert sorted(rows - wanted) == []
