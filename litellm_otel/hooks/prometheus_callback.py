"""What LiteLLM tells its own Prometheus callback and nobody else: we listen in its place.

LiteLLM and its enterprise package tell ``PrometheusLogger.get_instance()`` of teams, batches and files; budgets
and numbers of users are read from the database by a job of that class, where ``litellm_settings`` ask for it.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

from litellm_otel.boundary import guarded, report
from litellm_otel.hooks.numbers import noting
from litellm_otel.hooks.seams import Seam, wrapped_by
from litellm_otel.reading import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.recorder import Recorder

_MODULE: Final = "litellm.integrations.prometheus"
_CLASS: Final = "PrometheusLogger"
_JOB: Final = "litellm_otel_budget_metrics_job"


def seams(recorder: Recorder) -> tuple[Seam, ...]:
    """Of the callback's class, which there is also where the callback is not asked for."""

    def get_instance(wrapped: Wrapped, _: Any, args: Args, kwargs: Kwargs) -> Any:
        present = wrapped(*args, **kwargs)
        return _listener(recorder) if present is None else present

    def initialize_job(wrapped: Wrapped, _: Any, args: Args, kwargs: Kwargs) -> Any:
        result = wrapped(*args, **kwargs)
        _add_job(recorder, *args, **kwargs)
        return result

    return tuple(
        Seam(
            _MODULE,
            f"{_CLASS}.{name}",
            lambda present, wrapper=wrapper: staticmethod(wrapped_by(wrapper)(present)),
            optional=True,
        )
        for name, wrapper in (
            ("get_instance", get_instance),
            ("initialize_budget_metrics_cron_job", initialize_job),
        )
    )


@guarded
def _listener(recorder: Recorder) -> Listener | None:
    return Listener(recorder, _class()) if recorder.active else None


@guarded
def _add_job(recorder: Recorder, scheduler: Any) -> None:
    from litellm import constants

    scheduler.add_job(
        Books(recorder, _class()).read,
        "interval",
        minutes=constants.PROMETHEUS_BUDGET_METRICS_REFRESH_INTERVAL_MINUTES,
        id=_JOB,
        replace_existing=True,
    )


def _class() -> Any:
    from litellm.integrations import prometheus

    return prometheus.PrometheusLogger


class Listener:
    """In the place of LiteLLM's callback where there is none; what we have no use for passes unheard."""

    def __init__(self, recorder: Recorder, of: Any) -> None:
        self._recorder = recorder
        self._of = of

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return functools.partial(self._hear, name)

    @guarded
    def _hear(self, name: str, *args: Any, **kwargs: Any) -> None:
        read = told.TOLD.get(name)
        if read is not None:
            noting(getattr(self._of, name), read, self._recorder)(self, args, kwargs, None)


class Books:
    """Runs the job of LiteLLM's callback, which reads budgets and counts, on itself in the callback's place."""

    def __init__(self, recorder: Recorder, of: Any) -> None:
        self._recorder = recorder
        self._of = of

    async def read(self) -> None:
        """All of it once."""
        try:
            await self.initialize_remaining_budget_metrics()
        except Exception:
            report("reading budgets and numbers of users from LiteLLM's database")

    def _customer_budget_gauges_are_noop(self) -> bool:
        return False  # whether they are wanted is asked when they are told

    def __getattr__(self, name: str) -> Any:
        if name in told.COUNTS:
            return _Count(functools.partial(self._count, name))
        if name not in told.BUDGETS:
            return inspect.getattr_static(self._of, name).__get__(self, self._of)
        note = noting(getattr(self._of, name), told.BUDGETS[name], self._recorder)

        def hear(*args: Any, **kwargs: Any) -> None:
            note(self, args, kwargs, None)

        return hear

    @guarded
    def _count(self, name: str, value: object) -> None:
        if self._recorder.active:
            self._recorder.emitter.measured(told.counted(name, value))


class _Count:
    """A gauge of the callback's."""

    def __init__(self, take: Callable[[object], None]) -> None:
        self.set = take
