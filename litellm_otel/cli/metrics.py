"""``litellm-otel metrics``: what metrics there are, and what one of them says."""

from __future__ import annotations

import difflib
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

from litellm_otel.catalogue import CATALOGUE, GROUPS
from litellm_otel.catalogue.labels import LABELS
from litellm_otel.selection import BY_NAME

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from litellm_otel.catalogue import Metric

NOT_FOUND: Final = 1
NEAREST: Final = 5
_PARTS: Final = ("_bucket", "_count", "_sum")
_TOGETHER: Final = {
    "sum": "the sum of all workers",
    "newest": "what the worker that was told last says",
    "each": "each worker by itself, with a label `pid`",
}


def add_to(commands: Any) -> None:
    """Add ``metrics`` to the subcommands."""
    parser = commands.add_parser(
        "metrics",
        help="list, search and explain the metrics",
        description="What metrics there are. Names are those in Prometheus, or over OTLP.",
    )
    ways = parser.add_subparsers(title="commands", dest="way", required=True)
    listing = ways.add_parser("list", help="all metrics, by what they are about")
    listing.add_argument(
        "group", nargs="?", help="only those of this group; part of its name will do"
    )
    searching = ways.add_parser("search", help="metrics in which all the words are found")
    searching.add_argument("words", nargs="+", help="of a name, a label or a description")
    explaining = ways.add_parser("explain", help="everything about one metric")
    explaining.add_argument("name", help="its name; _total, _bucket, _count and _sum may be there")


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; 1 if there is no such thing."""
    if options.way == "list":
        return _list(options.group)
    if options.way == "search":
        return _search([word.lower() for word in options.words])
    return _explain(options.name)


def _list(group: str | None) -> int:
    chosen = {
        name: metrics
        for name, metrics in GROUPS.items()
        if group is None or group.lower() in name.lower()
    }
    if not chosen:
        return _fail(f"there is no group {group!r}", list(GROUPS))
    for name, metrics in chosen.items():
        print(f"{name}:")
        _print_rows(metrics)
        print()
    return 0


def _search(words: list[str]) -> int:
    found = [metric for metric in CATALOGUE if all(word in _text(metric) for word in words)]
    if not found:
        return _fail(f"nothing has {' and '.join(map(repr, words))} in it", [], words)
    _print_rows(found)
    return 0


def _text(metric: Metric) -> str:
    labels = (*metric.attributes, *metric.selectable)
    return " ".join((metric.name, metric.prometheus, metric.description, *labels)).lower()


def _print_rows(metrics: Iterable[Metric]) -> None:
    width = shutil.get_terminal_size((100, 24)).columns
    for metric in metrics:
        print(f"  {metric.prometheus}  ({metric.kind})")
        for line in textwrap.wrap(metric.description, max(40, width - 6)):
            print(f"      {line}")


def _explain(name: str) -> int:
    metric = find(name)
    if metric is None:
        return _fail(f"there is no metric {name!r}", list(BY_NAME), [name])
    group = next(title for title, metrics in GROUPS.items() if metric in metrics)
    facts = {
        "in Prometheus": _in_prometheus(metric),
        "over OTLP": metric.name,
        "kind": metric.kind,
        "unit": metric.unit,
        "about": group,
        "labels": ", ".join(metric.attributes) or "none",
        "can have too": ", ".join(metric.selectable),
        "buckets": ", ".join(f"{bound:g}" for bound in metric.buckets),
        "on /metrics": _TOGETHER[metric.together],
    }
    print(f"{metric.description}\n")
    for what, fact in facts.items():
        if fact:
            _print_fact(what, fact)
    meanings = [label for label in (*metric.attributes, *metric.selectable) if label in LABELS]
    if meanings:
        print()
    for label in meanings:
        _print_fact(label, LABELS[label].replace("`", ""), indent=22)
    return 0


def _print_fact(what: str, fact: str, indent: int = 15) -> None:
    width = shutil.get_terminal_size((100, 24)).columns
    lines = textwrap.wrap(fact, max(40, width - indent), break_long_words=False)
    print(f"{what:<{indent}}{lines[0]}")
    for line in lines[1:]:
        print(" " * indent + line)


def _in_prometheus(metric: Metric) -> str:
    if metric.kind != "histogram":
        return metric.prometheus
    return ", ".join(metric.prometheus + part for part in _PARTS)


def find(name: str) -> Metric | None:
    """The metric of this name, whichever of its names it is."""
    known = BY_NAME.get(name)
    for part in _PARTS:
        histogram = BY_NAME.get(name.removesuffix(part))
        if known is None and histogram is not None and histogram.kind == "histogram":
            known = histogram
    return known


def _fail(message: str, names: list[str], near: Iterable[str] = ()) -> int:
    """Say what is wrong, and what may have been meant."""
    print(f"litellm-otel metrics: {message}", file=sys.stderr)
    close = [
        found
        for wrong in near
        for found in difflib.get_close_matches(wrong.lower(), names, n=NEAREST, cutoff=0.5)
    ]
    shown = close if near else names
    if shown:
        print("did you mean:" if near else "there are:", file=sys.stderr)
    for name in shown:
        print(f"  {name}", file=sys.stderr)
    return NOT_FOUND
