"""``python agent_check.py CONFIGURATION [NAMES]``: what a Datadog Agent's check makes of a metrics page.

Runs in an environment that has what the Agent runs its checks with. ``CONFIGURATION`` is the check's; with
``NAMES`` (Prometheus' and Datadog's, as in ``collector/datadog/names.csv``) it is the LiteLLM check, which is
the generic one with such a table, else the generic one itself. Prints what it submits, as JSON.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from datadog_checks.base import OpenMetricsBaseCheckV2
from datadog_checks.base.stubs import aggregator


class LiteLLMCheck(OpenMetricsBaseCheckV2):
    __NAMESPACE__ = "litellm"
    names: dict[str, str]

    def get_default_config(self) -> dict[str, Any]:
        return {"metrics": [self.names]}


def main(configuration: Path, names: Path | None = None) -> None:
    given = yaml.safe_load(configuration.read_text(encoding="utf-8"))
    (instance,) = given["instances"]
    if names is None:
        check = OpenMetricsBaseCheckV2("openmetrics", {}, [instance])
    else:
        with names.open(encoding="utf-8") as table:
            # Of a metric's names the first is the one in Datadog's own list.
            LiteLLMCheck.names = {
                row["litellm"]: row["datadog"].removeprefix("litellm.")
                for row in reversed(list(csv.DictReader(table)))
            }
        check = LiteLLMCheck("litellm", {}, [instance])
    for _ in range(2):  # rates and counts are between two of them
        aggregator.reset()
        failed = check.run()
        if failed:
            raise SystemExit(failed)
    kinds: dict[int, str] = aggregator.METRIC_ENUM_MAP_REV
    submitted = [
        {"name": each.name, "type": kinds[each.type], "value": each.value, "tags": each.tags}
        for name in aggregator.metric_names
        for each in aggregator.metrics(name)
    ]
    json.dump(submitted, sys.stdout)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
