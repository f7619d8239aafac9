"""Sends by OTLP what workers had counted that were killed before they could send it themselves.

Each worker that exports metrics leaves its ledger as a will. Whenever another one of its start has exported
its own, it looks whether somebody has died, and sends that one's last totals; at the very end their parent
does. A total is the same however often it is sent, so whoever is in doubt sends it.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import wrapt
from opentelemetry import metrics
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)

from litellm_otel import __version__, announce, lifecycle, settings, workers
from litellm_otel.boundary import guarded
from litellm_otel.emit import collection
from litellm_otel.workers import meeting, wills

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opentelemetry.sdk.metrics.export import MetricsData

    from litellm_otel.workers.meeting import Member

_LONGEST_WAIT: Final = 1.0
"""Seconds for another export to be over."""


@guarded
def start() -> None:
    """Have this process' counts sent if it is killed, and send those of others, if it exports metrics."""
    provider: Any = metrics.get_meter_provider()
    if not collection.fits(provider):
        return
    found = provider._measurement_consumer._reader_storages
    readers = [each for each in found if isinstance(each, PeriodicExportingMetricReader)]
    if readers:
        heir = Heir(provider, readers)
        heir.begin()
        lifecycle.on_fork(heir.after_fork)
        lifecycle.when_flushed(heir.when_flushed)
        lifecycle.at_last(heir.at_last)


_read = guarded(wills.read)


class Heir:
    """What this process does for the others, and for itself."""

    def __init__(self, provider: Any, readers: list[Any]) -> None:
        self._provider = provider
        self._readers = readers
        self._member: Member | None = None
        self._where: Path | None = None
        self._last: dict[Any, MetricsData] = {}
        """What each exporter has sent last, of what was left at the end."""
        self._exporters: dict[Any, Callable[..., Any]] = {
            reader: reader._exporter.export for reader in readers
        }
        for reader in readers:
            wrapt.wrap_function_wrapper(reader._exporter, "export", self._exporting(reader))

    def begin(self) -> None:
        """Only a child leaves a will. The first process has said where, and looks for it there."""
        try:
            self._where = meeting.place()
            if not meeting.is_ours(self._where):
                scope = settings.current().meter_name, __version__
                about = wills.about(self._provider._sdk_config.resource, scope)
                if about is not None:
                    self._member = workers.join(meeting.WILL, about)
        except OSError as error:
            announce.logger.debug("litellm-otel: no will: %s", error)
            self._member = None

    def _exporting(self, reader: Any) -> Callable[..., Any]:
        def export(
            wrapped: Callable[..., Any], _: MetricExporter, args: Any, kwargs: dict[str, Any]
        ) -> Any:
            result = wrapped(*args, **kwargs)
            if result is MetricExportResult.SUCCESS:
                self._exported(reader, *args)
            return result

        return export

    @guarded
    def _exported(self, reader: Any, data: MetricsData, *_: Any) -> None:
        if lifecycle.ending():
            # The others go on, or our parent is there: time is short.
            self._last[reader] = data
            return
        if self._member is not None:
            self._member.touch()
        if reader is self._readers[0]:
            self._look(exporting=reader)

    def _look(self, exporting: Any = None) -> None:
        """Send what those have left that are dead, unless one of them can't be sent now."""
        if self._where is None:
            return
        own = self._member.path(meeting.WILL) if self._member is not None else None
        for file in sorted(self._where.glob(f"*{meeting.WILL}")):
            if file == own:
                continue
            with meeting.taken(file) as left:
                if left is None:
                    continue
                # One that can't be read is no more than what it costs to look at it.
                data = _read(left, time.time_ns())
                if data is not None and not self._sent(data, exporting):
                    return
                file.unlink(missing_ok=True)

    def _sent(self, data: MetricsData, exporting: Any) -> bool:
        """Whether each exporter has sent it. ``exporting``: whose reader lets us in amid its own export."""
        return all(
            self._sent_by(reader, data, locked=reader is exporting) for reader in self._readers
        )

    def _sent_by(self, reader: Any, data: MetricsData, *, locked: bool) -> bool:
        export, timeout = self._exporters[reader], reader._export_timeout_millis
        if not locked and not reader._export_lock.acquire(timeout=_LONGEST_WAIT):
            return False
        try:
            with suppress_instrumentation():
                return export(data, timeout_millis=timeout) is MetricExportResult.SUCCESS
        except Exception as error:
            announce.logger.debug("litellm-otel: a will could not be sent", exc_info=error)
            return False
        finally:
            if not locked:
                reader._export_lock.release()

    @guarded
    def when_flushed(self) -> None:
        """Take the own will back where everything in it has been sent."""
        member = self._member
        if member is None:
            return
        file = member.path(meeting.WILL)
        will = wills.read(file.read_bytes(), time.time_ns()) if file.exists() else None
        sent = [self._last.get(reader) for reader in self._readers]
        if will is None or all(each is not None and wills.all_in(will, each) for each in sent):
            member.hide(meeting.WILL)
        self._last.clear()

    @guarded
    def at_last(self) -> None:
        """When the parent ends, so does the place: nobody sends later what is left there now."""
        if self._where is None or not meeting.is_ours(self._where):
            return
        if any(self._where.glob(f"*{meeting.WILL}")):
            lifecycle.within(lifecycle.seconds_left(), guarded(self._look))
            if any(self._where.glob(f"*{meeting.WILL}")):
                lifecycle.tell_what_is_lost()

    @guarded
    def after_fork(self) -> None:
        for reader in self._readers:
            reader._export_lock = threading.Lock()
        self._last.clear()
        self._member = None
        self.begin()
