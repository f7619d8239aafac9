"""Sums: exact under threads, bounded in series, read as observations."""

from __future__ import annotations

import threading

from opentelemetry.metrics import CallbackOptions

from litellm_otel.emit.cells import Sums


def observed(sums: Sums, index: int = 0) -> dict[frozenset[tuple[str, object]], float]:
    return {
        frozenset((seen.attributes or {}).items()): seen.value
        for seen in sums.observe(index)(CallbackOptions())
    }


def test_adds_to_each_metric_of_the_family() -> None:
    sums = Sums(("model",), ("tokens", "cost"))
    sums.add(("gpt",), 3, 0.5)
    sums.add(("gpt",), 4, 0.25)
    assert observed(sums, 0) == {frozenset({("model", "gpt")}): 7}
    assert observed(sums, 1) == {frozenset({("model", "gpt")}): 0.75}


def test_a_label_without_value_is_left_out() -> None:
    sums = Sums(("model", "team"), ("tokens",))
    sums.add(("gpt", None), 1)
    assert observed(sums) == {frozenset({("model", "gpt")}): 1}


def test_series_are_bounded_and_nothing_is_lost() -> None:
    overflowed: list[str] = []
    sums = Sums(("user",), ("tokens",), overflowed.append, max_series=10)
    for user in range(1000):
        sums.add((f"user-{user}",), 1)
    seen = observed(sums)
    assert len(seen) == 11
    assert seen[frozenset({("otel.metric.overflow", True)})] == 990
    assert sum(seen.values()) == 1000
    assert len(overflowed) == 990


def test_exact_with_many_threads() -> None:
    sums = Sums(("model",), ("tokens",))

    def work() -> None:
        for _ in range(5_000):
            sums.add(("gpt",), 1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert observed(sums) == {frozenset({("model", "gpt")}): 40_000}


def test_cleared_for_a_forked_child() -> None:
    sums = Sums(("model",), ("tokens",))
    sums.add(("gpt",), 1)
    sums.clear()
    assert observed(sums) == {}
