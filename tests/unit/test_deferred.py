"""Deferred work runs once, in time, whatever breaks before it."""

from __future__ import annotations

import threading

from litellm_otel.deferred import Deferred

PATIENCE = 60.0


def test_runs_after_the_delay() -> None:
    deferred, done = Deferred(), threading.Event()
    deferred.after(0.01, done.set)
    assert done.wait(PATIENCE)


def test_earlier_work_added_later_runs_first() -> None:
    deferred, order, done = Deferred(), list[str](), threading.Event()
    deferred.after(3600, lambda: order.append("late"))
    deferred.after(0.01, lambda: (order.append("early"), done.set()))
    assert done.wait(PATIENCE)
    deferred.run_all()
    assert order == ["early", "late"]


def test_what_raises_does_not_stop_the_rest() -> None:
    deferred, done = Deferred(), threading.Event()

    def broken() -> None:
        raise RuntimeError("broken")

    deferred.soon(broken)
    deferred.soon(done.set)
    assert done.wait(PATIENCE)


def test_run_all_runs_everything_now_and_once() -> None:
    deferred, runs = Deferred(), list[int]()
    deferred.after(3600, lambda: runs.append(1))
    deferred.after(7200, lambda: runs.append(2))
    deferred.run_all()
    assert runs == [1, 2]
    deferred.run_all()
    assert runs == [1, 2]


def test_run_all_runs_what_that_adds() -> None:
    deferred, runs = Deferred(), list[str]()
    deferred.after(3600, lambda: deferred.after(3600, lambda: runs.append("second")))
    deferred.run_all()
    assert runs == ["second"]


def test_every_goes_on_and_is_registered_once() -> None:
    deferred, enough, runs = Deferred(), threading.Event(), list[int]()

    def work() -> None:
        runs.append(1)
        if len(runs) == 3:
            enough.set()

    deferred.every(0.01, work)
    deferred.every(0.01, work)
    assert enough.wait(PATIENCE)


def test_periodic_work_does_not_keep_run_all_busy() -> None:
    deferred, runs = Deferred(), list[int]()
    deferred.every(3600, lambda: runs.append(1))
    deferred.run_all()
    assert 1 <= len(runs) <= 3
