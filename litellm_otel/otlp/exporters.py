"""Has the OTLP/HTTP exporters encode our way, and their own way whenever ours might not do.

Only the function that the exporters call for it is replaced, by one that returns the same message. So
endpoints, headers, compression, retries and all else stay theirs, and exporters that the application
makes gain as well.
"""

from __future__ import annotations

import itertools
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import wrapt

from litellm_otel import announce

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    Encode = Callable[[Sequence[Any]], Any]

CHECKED_BATCHES: Final = 16
"""Batches of a process of which one item each is encoded both ways and compared."""
_EXPORTERS: Final = (
    (
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        "litellm_otel.otlp.spans",
        "encode_spans",
    ),
    (
        "opentelemetry.exporter.otlp.proto.http._log_exporter",
        "litellm_otel.otlp.logs",
        "encode_logs",
    ),
)


def install() -> None:
    """Put our encoders into the exporters, once these are imported."""
    for exporter, ours, name in _EXPORTERS:

        def put_in(module: ModuleType, ours: str = ours, name: str = name) -> None:
            try:
                library = getattr(module, name)
                if not isinstance(library, Checked):
                    setattr(module, name, Checked(getattr(import_module(ours), name), library))
            except (AttributeError, ImportError, KeyError, TypeError) as error:
                announce.logger.debug("litellm-otel: %s encodes by itself: %r", name, error)

        wrapt.when_imported(exporter)(put_in)


class Checked:
    """An encoder that gives way to the library's: for a batch it fails at, for good if it differs."""

    def __init__(self, ours: Encode, library: Encode) -> None:
        self._ours = ours
        self._library = library
        self._numbers = itertools.count()
        self.trusted = True

    def __call__(self, batch: Sequence[Any]) -> Any:
        if self.trusted:
            try:
                self._check(batch)
                if self.trusted:
                    return self._ours(batch)
            except Exception as error:
                announce.logger.debug("litellm-otel: left to the library: %r", error)
        return self._library(batch)

    def _check(self, batch: Sequence[Any]) -> None:
        number = next(self._numbers)
        if number < CHECKED_BATCHES and batch:
            # Each time from another place: the kinds of items follow each other in a pattern.
            sample = [batch[number % len(batch)]]
            if self._ours(sample) != self._library(sample):
                self.trusted = False
                announce.logger.debug(
                    "litellm-otel: %s of this version encodes differently, and is used",
                    getattr(self._library, "__name__", "the library's encoder"),
                )
