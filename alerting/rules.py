"""The Prometheus rules with other durations and link targets, and nothing else changed.

A test or a demo can't wait ten minutes for a page. It takes the shipped rules from here with
shorter windows, so that what it proves holds for the rules that are installed.
"""

from __future__ import annotations

import re
from pathlib import Path

from alerting import documents, durations

HERE = Path(__file__).resolve().parent
FILES = {path.stem: path for path in sorted((HERE / "prometheus" / "rules").glob("*.yaml"))}
RULES = FILES["litellm"]
LIMITS_RULES = FILES["limits"]
INTERNALS_RULES = FILES["internals"]
COLLECTOR_RULES = FILES["collector"]
# What the shipped annotations link to; `render` puts a site's own addresses there.
GRAFANA_URL = "http://127.0.0.1:3000"
RUNBOOK_URL = "https://github.com/litellm-otel/litellm-otel/blob/main/docs/runbooks.md"

_RANGE = re.compile(rf"\[({durations.DURATION})\]")
# A range this long says how far back a service is remembered, not what is averaged.
_MEMORY_SECONDS = 3600.0


def render(
    rules_path: Path = RULES,
    *,
    window: str | None = None,
    hold: str | None = None,
    interval: str | None = None,
    grafana_url: str = GRAFANA_URL,
    runbook_url: str = RUNBOOK_URL,
) -> str:
    """Return the rule file as text, with the given durations in place of its own.

    `window` replaces every range under an hour (`[5m]`), in expressions and in the queries of
    annotations; `hold` replaces every `for`; `interval` that of every group.
    """
    for name, value in (("window", window), ("hold", hold), ("interval", interval)):
        if value is not None:
            durations.seconds(name, value)
    document = documents.load(rules_path)
    for group in document["groups"]:
        if interval is not None:
            group["interval"] = interval
        for rule in group["rules"]:
            if hold is not None and "for" in rule:
                rule["for"] = hold
            rule["expr"] = _with_window(rule["expr"], window)
            for name, text in rule.get("annotations", {}).items():
                rule["annotations"][name] = (
                    _with_window(text, window)
                    .replace(GRAFANA_URL, grafana_url.rstrip("/"))
                    .replace(RUNBOOK_URL, runbook_url)
                )
    return documents.dump(document)


def _with_window(text: str, window: str | None) -> str:
    if window is None:
        return text

    def replace(match: re.Match[str]) -> str:
        is_memory = durations.seconds("range", match[1]) >= _MEMORY_SECONDS
        return match[0] if is_memory else f"[{window}]"

    return _RANGE.sub(replace, text)
