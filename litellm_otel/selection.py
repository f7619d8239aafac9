"""Which metrics are sent, and with which labels.

LiteLLM's own settings for its Prometheus endpoint say it, in the proxy's ``litellm_settings`` or as
attributes of the ``litellm`` module: ``prometheus_metrics_config``, ``prometheus_exclude_metrics``,
``prometheus_exclude_labels``, ``custom_prometheus_metadata_labels``, ``custom_prometheus_tags``,
``enable_end_user_cost_tracking_prometheus_only``, ``prometheus_emit_stream_label``. They mean what
https://docs.litellm.ai/docs/proxy/prometheus says, and are about LiteLLM's metrics. Our own variables for
what to include and exclude are about all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, cast

from litellm_otel import environment as env
from litellm_otel.catalogue import CATALOGUE, LITELLMS
from litellm_otel.catalogue.labels import LABELS
from litellm_otel.catalogue.metric import Metric
from litellm_otel.sdk_environment import suggestion

END_USER: Final = "end_user"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is on, and the labels of each metric. Everything, with its default labels, if not said otherwise."""

    only: frozenset[str] | None = None
    """Of LiteLLM's metrics those that stay on; None is all."""
    include_labels: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    off: frozenset[str] = frozenset()
    exclude_labels: frozenset[str] = frozenset()
    metadata_labels: tuple[str, ...] = ()
    """Members of LiteLLM's metadata that become labels, with dots for what is inside others."""
    tags: tuple[str, ...] = ()
    """Tags that become labels ``tag_...``, ``true`` or ``false``; ``*`` stands for anything."""
    end_users: bool = False
    """Whether ``end_user`` is a label: there is no end to its values."""
    stream_label: bool = False

    def labels(self, metric: Metric) -> tuple[str, ...] | None:
        """The labels that the metric has; None where it is off."""
        if metric.name in self.off:
            return None
        if self.only is not None and metric.name in LITELLMS and metric.name not in self.only:
            return None
        labels = metric.attributes
        if metric.name == _WITH_STREAM and self.stream_label:
            labels = (*labels, "stream")
        if metric.name in LITELLMS and metric.of_callers:
            labels = (*labels, *self.custom_labels)
        chosen = self.include_labels.get(metric.name)
        if chosen is not None:
            labels = tuple(dict.fromkeys(chosen))
        return tuple(
            label
            for label in labels
            if label not in self.exclude_labels and (label != END_USER or self.end_users)
        )

    @property
    def custom_labels(self) -> tuple[str, ...]:
        return tuple(map(label_of, self.metadata_labels)) + tuple(map(label_of_tag, self.tags))


_WITH_STREAM: Final = "litellm_proxy_total_requests_metric"
DEFAULT: Final = Selection()


def label_of(key: str) -> str:
    """The label of a member of the metadata, as LiteLLM names it."""
    return _sanitized(key)


def label_of_tag(tag: str) -> str:
    """The label of a tag, as LiteLLM names it."""
    return _sanitized(f"tag_{tag}")


def _sanitized(name: str) -> str:
    clean = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    return clean if re.match(r"[a-zA-Z_]", clean) else f"_{clean}"


def _by_any_name() -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for metric in CATALOGUE:
        for name in (metric.name, metric.prometheus, metric.prometheus.removesuffix("_total")):
            found.setdefault(name, metric)
    return found


BY_NAME: Final[Mapping[str, Metric]] = _by_any_name()
"""Each metric by its OTLP name, its Prometheus name, and that without ``_total``, as in LiteLLM's settings."""


def select(
    given: Mapping[str, Any], included: Sequence[str] = (), excluded: Sequence[str] = ()
) -> tuple[Selection, list[str]]:
    """The selection that settings ask for, and a line for each thing in them that can't be.

    ``given``: LiteLLM's settings by their names; ``included`` and ``excluded``: patterns of metrics' names.
    What is wrong is left out: a metric that isn't there, a label that it can't have.
    """
    return _Reading(given, included, excluded).selection()


class _Reading:
    def __init__(
        self, given: Mapping[str, Any], included: Sequence[str], excluded: Sequence[str]
    ) -> None:
        self._given = given
        self._included = included
        self._excluded = excluded
        self._errors: list[str] = []

    def selection(self) -> tuple[Selection, list[str]]:
        metadata_labels = self._texts("custom_prometheus_metadata_labels")
        tags = self._texts("custom_prometheus_tags")
        custom = {*map(label_of, metadata_labels), *map(label_of_tag, tags)}
        only, include = self._groups(custom)
        return Selection(
            only=only,
            include_labels=include,
            off=self._off(),
            exclude_labels=frozenset(
                label
                for label in self._texts("prometheus_exclude_labels")
                if self._is_label("prometheus_exclude_labels", label, {*LABELS, *custom})
            ),
            metadata_labels=metadata_labels,
            tags=tags,
            end_users=self._given.get("enable_end_user_cost_tracking_prometheus_only") is True
            and not self._given.get("disable_end_user_cost_tracking"),
            stream_label=self._given.get("prometheus_emit_stream_label") is True,
        ), self._errors

    def _texts(self, name: str) -> tuple[str, ...]:
        value: object = self._given.get(name) or ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            self._errors.append(f"{name}: {value!r} is not a list; write one, of texts")
            return ()
        texts = cast("Sequence[object]", value)
        return tuple(text for text in texts if isinstance(text, str))

    def _groups(self, custom: set[str]) -> tuple[frozenset[str] | None, dict[str, tuple[str, ...]]]:
        setting = "prometheus_metrics_config"
        groups: object = self._given.get(setting)
        if not groups:
            return None, {}
        if not isinstance(groups, Sequence) or isinstance(groups, str):
            self._errors.append(f"{setting}: {groups!r} is not a list of groups")
            return None, {}
        only: set[str] = set()
        include: dict[str, tuple[str, ...]] = {}
        for group in cast("Sequence[object]", groups):
            for name in _list(group, "metrics"):
                metric = self._metric(setting, name)
                if metric is None:
                    continue
                only.add(metric.name)
                labels = _list(group, "include_labels")
                if labels:
                    possible = {*metric.attributes, *metric.selectable, *custom}
                    include[metric.name] = tuple(
                        label
                        for label in labels
                        if self._is_label(f"{setting}: {name}", label, possible)
                    )
        return frozenset(only), include

    def _off(self) -> frozenset[str]:
        setting = "prometheus_exclude_metrics"
        off = {
            metric.name
            for name in self._texts(setting)
            if (metric := self._metric(setting, name)) is not None
        }
        included = self._matching(env.METRICS_INCLUDE, self._included)
        if included:
            off |= {metric.name for metric in CATALOGUE} - included
        return frozenset(off | self._matching(env.METRICS_EXCLUDE, self._excluded))

    def _matching(self, setting: str, patterns: Sequence[str]) -> set[str]:
        matching: set[str] = set()
        for pattern in patterns:
            found = {metric.name for name, metric in BY_NAME.items() if fnmatchcase(name, pattern)}
            if not found:
                self._errors.append(f"{setting}: {_unknown('metric', pattern, BY_NAME)}")
            matching |= found
        return matching

    def _metric(self, setting: str, name: str) -> Metric | None:
        metric = BY_NAME.get(name)
        if metric is None:
            self._errors.append(f"{setting}: {_unknown('metric', name, BY_NAME)}")
        return metric

    def _is_label(self, setting: str, label: str, possible: set[str]) -> bool:
        if label in possible:
            return True
        self._errors.append(f"{setting}: {_unknown('label', label, possible)}")
        return False


def _unknown(what: str, name: str, among: Any) -> str:
    return f"there is no {what} {name!r}{suggestion(name, among)}; it is left out"


def _list(group: object, name: str) -> list[str]:
    """LiteLLM takes a group as a mapping or as an object of its own."""
    if isinstance(group, Mapping):
        value: object = cast("Mapping[str, object]", group).get(name)
    else:
        value = getattr(group, name, None)
    if not isinstance(value, (list, tuple)):
        return []
    return [item for item in cast("Sequence[object]", value) if isinstance(item, str)]


LITELLM_SETTINGS: Final = (
    "prometheus_metrics_config",
    "prometheus_exclude_metrics",
    "prometheus_exclude_labels",
    "custom_prometheus_metadata_labels",
    "custom_prometheus_tags",
    "enable_end_user_cost_tracking_prometheus_only",
    "disable_end_user_cost_tracking",
    "prometheus_emit_stream_label",
)
"""Attributes of the module ``litellm`` that `select` goes by."""

_current: Selection = DEFAULT


def current() -> Selection:
    """The selection of this process."""
    return _current


def use(selection: Selection) -> None:
    """Make it the one of this process. Whoever has instruments is told by whoever calls this."""
    global _current
    _current = selection
