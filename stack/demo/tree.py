"""One trace as plain rows, parents before children, and as a tree in the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.text import Text
from rich.tree import Tree

from ..standins.otlp_records import Span

# What helps to read an attempt at a glance, in this order.
_SHOWN = (
    "litellm.attempt.number",
    "litellm.retry.number",
    "litellm.fallback.from",
    "error.type",
    "http.response.status_code",
    "litellm.outcome",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "litellm.cost",
)


@dataclass(frozen=True)
class Row:
    depth: int
    span: Span

    @property
    def attributes(self) -> dict[str, object]:
        found = self.span.attributes
        return {name: found[name] for name in _SHOWN if found.get(name) not in (None, 0, "")}


def rows(spans: Iterable[Span]) -> Iterator[Row]:
    """The spans of one trace, depth first, siblings in the order in which they started."""
    known = {span.span_id: span for span in spans}
    below: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(known.values(), key=lambda each: each.start):
        below[span.parent_id if span.parent_id in known else ""].append(span)

    def walk(parent: str, depth: int) -> Iterator[Row]:
        for span in below[parent]:
            yield Row(depth, span)
            yield from walk(span.span_id, depth + 1)

    return walk("", 0)


def drawn(spans: Iterable[Span]) -> Tree:
    spans = list(spans)
    tree = Tree(Text(f"trace {spans[0].trace_id}" if spans else "no trace", style="bold"))
    branches = [tree]
    for row in rows(spans):
        del branches[row.depth + 1 :]
        branches.append(branches[row.depth].add(_label(row)))
    return tree


def _label(row: Row) -> Text:
    span = row.span
    failed = span.status == "ERROR"
    text = Text(f"{span.kind:<9}", style="dim")
    text.append(span.name, style="bold red" if failed else "bold")
    text.append(f"  {span.duration * 1000:.0f} ms", style="cyan")
    for name, value in row.attributes.items():
        shown = f"{value:g}" if isinstance(value, float) else value
        text.append(f"  {name.removeprefix('litellm.').removeprefix('gen_ai.')}={shown}", "dim")
    return text
