"""From rounds to a ratio with a confidence interval.

The ratio is that of sums, not a median of rounds: a batch of spans is sent in one round of many,
and a median would leave the sending out. The interval comes from a bootstrap in two stages, first
of the generations of processes, then of runs of neighbouring rounds within each.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.rounds import Round

RESAMPLES = 2000
RUNS_PER_GENERATION = 10


@dataclass(frozen=True)
class Generation:
    """What one set of fresh processes gave."""

    rounds: Sequence[Round]
    idle: Mapping[str, float]


@dataclass(frozen=True)
class Estimate:
    """A value, the interval that holds it with 95% confidence, and what each generation said."""

    value: float
    low: float
    high: float
    generations: tuple[float, ...]

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


Cost = Callable[[str], float]
Statistic = Callable[[Cost], float]


def _runs(generation: Generation) -> list[dict[str, float]]:
    """CPU seconds per request of runs of rounds, without what an idle process uses anyway."""
    runs: list[dict[str, float]] = []
    rounds = generation.rounds
    length = max(1, len(rounds) // RUNS_PER_GENERATION)
    for start in range(0, len(rounds), length):
        part = rounds[start : start + length]
        requests = sum(r.requests for r in part)
        wall = sum(r.wall_seconds for r in part)
        runs.append(
            {
                name: (sum(r.cpu_seconds[name] for r in part) - idle * wall) / requests
                for name, idle in generation.idle.items()
            }
        )
    return runs


def _mean_cost(runs: Sequence[Mapping[str, float]]) -> Cost:
    return lambda name: statistics.fmean(run[name] for run in runs)


def estimate(generations: Sequence[Generation], statistic: Statistic) -> Estimate:
    """``statistic`` of the CPU seconds per request, with its interval."""
    by_generation = [_runs(generation) for generation in generations]
    chance = random.Random(0)
    resampled: list[float] = []
    for _ in range(RESAMPLES):
        chosen = [
            statistic(_mean_cost(chance.choices(runs, k=len(runs))))
            for runs in chance.choices(by_generation, k=len(by_generation))
        ]
        resampled.append(statistics.fmean(chosen))
    resampled.sort()
    each = tuple(statistic(_mean_cost(runs)) for runs in by_generation)
    return Estimate(
        statistics.fmean(each),
        resampled[int(0.025 * RESAMPLES)],
        resampled[int(0.975 * RESAMPLES) - 1],
        each,
    )


def ratio_to(name: str, *bases: str) -> Statistic:
    return lambda cost: cost(name) / statistics.fmean(cost(base) for base in bases)


def difference_to(name: str, *bases: str) -> Statistic:
    return lambda cost: cost(name) - statistics.fmean(cost(base) for base in bases)


def round_noise(generations: Sequence[Generation], name: str) -> float:
    """How much one round differs from the next: the coefficient of variation of a variant."""
    costs = [r.cpu_seconds[name] / r.requests for g in generations for r in g.rounds]
    return statistics.pstdev(costs) / statistics.fmean(costs)
