"""The configurations of Prometheus and Alertmanager with a site's own addresses and timing.

Neither program expands environment variables. So the shipped file is read, the named values are
replaced, and the rest, routes, receivers, grouping and inhibition, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from alerting import documents, durations

HERE = Path(__file__).resolve().parent
PROMETHEUS = HERE / "prometheus" / "prometheus.yml"
REMOTE_WRITE = HERE / "prometheus" / "remote_write.yml"
ALERTMANAGER = HERE / "alertmanager" / "alertmanager.yml"
TEMPLATES = HERE / "alertmanager" / "templates"


def prometheus(
    path: Path = PROMETHEUS,
    *,
    rule_files: Sequence[Path | str] | None = None,
    alertmanagers: Sequence[str] | None = None,
    targets: Mapping[str, Sequence[str]] | None = None,
    interval: str | None = None,
    remote_write: str | None = None,
) -> str:
    """Return Prometheus' configuration as text.

    `targets` maps a scrape job to its addresses; a job with none is left out. `interval` is both
    how often targets are scraped and how often rules without an interval are evaluated.
    `remote_write` is the URL of a store that keeps for longer what `remote_write.yml` says.
    """
    document = documents.load(path)
    if rule_files is not None:
        document["rule_files"] = [str(file) for file in rule_files]
    if alertmanagers is not None:
        document["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [*alertmanagers]
    if interval is not None:
        length = durations.seconds("interval", interval)
        document["global"].update(scrape_interval=interval, evaluation_interval=interval)
        if length < durations.seconds("scrape_timeout", document["global"]["scrape_timeout"]):
            document["global"]["scrape_timeout"] = interval
    jobs = {job["job_name"]: job for job in document["scrape_configs"]}
    for name, addresses in (targets or {}).items():
        if name not in jobs:
            raise ValueError(f"targets: no scrape job {name!r}; there are {', '.join(jobs)}")
        if addresses:
            jobs[name]["static_configs"][0]["targets"] = [*addresses]
        else:
            document["scrape_configs"].remove(jobs[name])
    if remote_write is not None:
        (entry,) = yaml.safe_load(REMOTE_WRITE.read_text(encoding="utf-8"))
        document["remote_write"] = [{**entry, "url": remote_write}]
    return documents.dump(document)


def alertmanager(
    path: Path = ALERTMANAGER,
    *,
    secrets: Path | str | None = None,
    templates: Path | str | None = None,
    pagerduty_url: str | None = None,
    group_wait: str | None = None,
    group_interval: str | None = None,
    repeat_interval: str | None = None,
) -> str:
    """Return Alertmanager's configuration as text.

    `secrets` is the directory with the files `pagerduty_routing_key` and `slack_api_url`, and
    `templates` the one with the `*.tmpl` files. The three timings replace those of every route
    that has one. Slack's address needs no parameter: it is what the secret file holds.
    """
    document = documents.load(path)
    if templates is not None:
        document["templates"] = [f"{templates}/*.tmpl"]
    if pagerduty_url is not None:
        document["global"]["pagerduty_url"] = pagerduty_url
    if secrets is not None:
        for settings in _mappings(document["receivers"]):
            for key in ("routing_key_file", "api_url_file"):
                if key in settings:
                    settings[key] = str(Path(secrets) / Path(settings[key]).name)
    timing = {
        "group_wait": group_wait,
        "group_interval": group_interval,
        "repeat_interval": repeat_interval,
    }
    for name, value in timing.items():
        if value is None:
            continue
        durations.seconds(name, value)
        for route in _mappings(document["route"]):
            if name in route:
                route[name] = value
    return documents.dump(document)


def _mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping at or below `node`."""
    if isinstance(node, dict):
        yield node
        node = [*node.values()]
    if isinstance(node, list):
        for child in node:
            yield from _mappings(child)
