"""Checks the standard ``OTEL_*`` variables before the SDK reads them.

The SDK gives up altogether, or prints a stack trace, on a value it does not understand. Here each
such value becomes one line that says what to do, and a correction with which everything else works.
"""

from __future__ import annotations

import difflib
import functools
import math
import os
import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SIGNALS = ("traces", "metrics", "logs")
PROTOCOLS = ("http/protobuf", "grpc")
OTLP_PACKAGES = {
    "otlp_proto_http": "opentelemetry-exporter-otlp-proto-http",
    "otlp_proto_grpc": "opentelemetry-exporter-otlp-proto-grpc",
}
_EXPORTERS = ("otlp", "console")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
COMPRESSIONS = ("none", "gzip", "deflate")
MILLISECONDS_FROM = 600.0
"""Timeouts above this are taken for milliseconds, as specified; the SDK reads seconds."""

_SCOPES = ("", "_TRACES", "_METRICS", "_LOGS")
_OTLP_TIMEOUTS = tuple(f"OTEL_EXPORTER_OTLP{scope}_TIMEOUT" for scope in _SCOPES)
_NUMBERS: tuple[tuple[tuple[str, ...], bool, float, float, str], ...] = (
    (
        ("OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT"),
        False,
        1,
        math.inf,
        "a number of milliseconds above 0",
    ),
    (
        tuple(
            f"OTEL_{processor}_{what}"
            for processor in ("BSP", "BLRP")
            for what in (
                "SCHEDULE_DELAY",
                "EXPORT_TIMEOUT",
                "MAX_QUEUE_SIZE",
                "MAX_EXPORT_BATCH_SIZE",
            )
        ),
        True,
        1,
        math.inf,
        "a whole number above 0",
    ),
    (
        tuple(
            f"OTEL_{scope}{what}_LIMIT"
            for scope in ("", "SPAN_", "LOGRECORD_")
            for what in ("ATTRIBUTE_COUNT", "ATTRIBUTE_VALUE_LENGTH")
        )
        + tuple(
            f"OTEL_{what}_COUNT_LIMIT"
            for what in ("SPAN_EVENT", "SPAN_LINK", "EVENT_ATTRIBUTE", "LINK_ATTRIBUTE")
        ),
        True,
        0,
        math.inf,
        "a whole number",
    ),
    (_OTLP_TIMEOUTS, False, 1e-3, math.inf, "a number of seconds above 0"),
    (("OTEL_EXPORTER_PROMETHEUS_PORT",), True, 0, 65535, "a port number"),
)
"""Variables, whether only whole numbers will do, lowest, highest, and the rule in words."""
_CHOICES = {
    "OTEL_METRICS_EXEMPLAR_FILTER": ("always_on", "always_off", "trace_based"),
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": ("cumulative", "delta", "lowmemory"),
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": (
        "explicit_bucket_histogram",
        "base2_exponential_bucket_histogram",
    ),
}
_FILES = tuple(
    f"OTEL_EXPORTER_OTLP{scope}_{kind}"
    for scope in _SCOPES
    for kind in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
)


@functools.cache
def registered(group: str) -> tuple[str, ...]:
    """Names of the installed entry points of `group`."""
    return tuple(sorted({entry_point.name for entry_point in entry_points(group=group)}))


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` if one of `right` is close to `wrong`, else nothing."""
    close = difflib.get_close_matches(wrong.lower(), list(right), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def redacted_url(url: str) -> str:
    """`url` without the user name, password and query it may carry."""
    head, _, tail = url.rpartition("@")
    scheme = head.partition("//")[0] + "//" if "//" in head else ""
    return (scheme + tail if head else url).partition("?")[0]


class Check:
    """One pass over an environment: what to change in it, and what to tell about it."""

    def __init__(
        self,
        environ: Mapping[str, str],
        names: Callable[[str], tuple[str, ...]] = registered,
    ) -> None:
        self.corrections: dict[str, str | None] = {}
        self.problems: list[str] = []
        self._environ = environ
        self._names = names

    def run(self) -> Check:
        self._exporters()
        self._protocols()
        self._endpoints()
        self._headers()
        self._numbers()
        self._sampler()
        self._choices()
        self._resource()
        self._files()
        self._named("OTEL_PYTHON_ID_GENERATOR", "opentelemetry_id_generator", "random")
        return self

    def get(self, name: str) -> str:
        """The value as corrected so far, stripped; empty if unset."""
        if name in self.corrections:
            return self.corrections[name] or ""
        return self._environ.get(name, "").strip()

    def refuse(self, name: str, why: str, instead: str | None = None) -> None:
        self.problems.append(f"{name}={self.get(name)!r}: {why}")
        self.corrections[name] = instead

    # -- what goes where ------------------------------------------------------------------------

    def _exporters(self) -> None:
        for signal in SIGNALS:
            name = f"OTEL_{signal.upper()}_EXPORTER"
            wanted = [item.strip() for item in self.get(name).split(",") if item.strip()]
            if not wanted:
                continue
            builtin = (*_EXPORTERS, "prometheus") if signal == "metrics" else _EXPORTERS
            if all(item in builtin for item in wanted):
                continue
            known = sorted({*builtin, *self._names(f"opentelemetry_{signal}_exporter")})
            for item in wanted:
                if item.lower() != "none" and item not in known:
                    others = ", ".join([*known, "none"])
                    self.problems.append(
                        f"{name}: unknown exporter {item!r}{suggestion(item, known)},"
                        f" left out; known here: {others}"
                    )
            kept = [item for item in wanted if item in known]
            if kept != wanted and wanted != ["none"]:
                self.corrections[name] = ",".join(kept) or "none"

    def _protocols(self) -> None:
        for scope in _SCOPES:
            name = f"OTEL_EXPORTER_OTLP{scope}_PROTOCOL"
            value = self.get(name)
            if value and value not in PROTOCOLS:
                self.refuse(
                    name,
                    f"unknown protocol{suggestion(value, PROTOCOLS)}, using http/protobuf;"
                    " use http/protobuf or grpc",
                    "http/protobuf",
                )
            elif value == "grpc" and "otlp_proto_grpc" not in self._names(
                "opentelemetry_traces_exporter"
            ):
                self.refuse(
                    name,
                    "its exporter is not installed, using http/protobuf (usual port 4318);"
                    f" run: pip install {OTLP_PACKAGES['otlp_proto_grpc']}",
                    "http/protobuf",
                )

    def _endpoints(self) -> None:
        general = "OTEL_EXPORTER_OTLP_ENDPOINT"
        whole = self._endpoint(general)
        for signal in SIGNALS:
            name = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
            if not (self._endpoint(name) if self.get(name) else whole):
                self._drop_otlp(signal)
        if not whole:
            self.corrections[general] = None

    def _endpoint(self, name: str) -> bool:
        """Whether the signals that use this endpoint can be sent; unset means the default one."""
        value = self.get(name)
        if not value:
            return True
        shown = redacted_url(value)
        try:
            parts = urlsplit(value if "://" in value else f"http://{value}")
            usable = bool(parts.hostname) and parts.scheme in ("http", "https")
            _ = parts.port
        except ValueError:
            usable = False
        if not usable or any(character.isspace() for character in value):
            self.problems.append(
                f"{name}={shown!r}: not a URL, what goes there is not sent;"
                " use for example http://localhost:4318"
            )
            self.corrections[name] = None
            return False
        if "://" not in value:
            self.problems.append(f"{name}={shown!r}: has no scheme, using http://{shown}")
            self.corrections[name] = f"http://{value}"
        return True

    def _drop_otlp(self, signal: str) -> None:
        name = f"OTEL_{signal.upper()}_EXPORTER"
        kept = [
            item
            for item in (part.strip() for part in self.get(name).split(","))
            if item and not item.startswith("otlp")
        ]
        self.corrections[name] = ",".join(kept) or "none"

    def _headers(self) -> None:
        for scope in _SCOPES:
            name = f"OTEL_EXPORTER_OTLP{scope}_HEADERS"
            self._pairs(name, "header", secret=True)

    def _pairs(self, name: str, what: str, *, secret: bool) -> None:
        parts = [part.strip() for part in self.get(name).split(",") if part.strip()]
        kept = [_pair(part, header=secret) for part in parts]
        for number, (part, pair) in enumerate(zip(parts, kept, strict=True), start=1):
            if pair is None:
                shown = "not shown, it may be a secret" if secret else repr(part)
                self.problems.append(
                    f"{name}: entry {number} is not a valid {what} and is left out ({shown});"
                    " use name=value,name=value"
                )
        if kept != parts:
            self.corrections[name] = ",".join(pair for pair in kept if pair) or None

    # -- how much, how often --------------------------------------------------------------------

    def _numbers(self) -> None:
        for names, whole, low, high, rule in _NUMBERS:
            for name in names:
                value = _number(self.get(name))
                if self.get(name) and (value is None or not low <= value <= high):
                    self.refuse(name, f"not {rule}, using the default")
                elif value is not None and whole and value % 1:
                    self.corrections[name] = str(max(1, round(value)))
        for name in _OTLP_TIMEOUTS:
            value = _number(self.get(name))
            if value is not None and value > MILLISECONDS_FROM:
                self.corrections[name] = f"{value / 1000:g}"
        for processor in ("OTEL_BSP", "OTEL_BLRP"):
            queue = _number(self.get(f"{processor}_MAX_QUEUE_SIZE")) or 2048
            name = f"{processor}_MAX_EXPORT_BATCH_SIZE"
            if (_number(self.get(name)) or 512) > queue:
                size = f"{min(512, queue):g}"
                if self.get(name):
                    self.refuse(name, f"more than the queue of {queue:g}, using {size}", size)
                else:
                    self.corrections[name] = size

    def _sampler(self) -> None:
        name = "OTEL_TRACES_SAMPLER"
        self._named(name, "opentelemetry_traces_sampler", "parentbased_always_on")
        argument = "OTEL_TRACES_SAMPLER_ARG"
        if not self.get(name).endswith("traceidratio"):
            return
        value = _number(self.get(argument) or "1")
        if value is None or not 0 <= value <= 1:
            self.refuse(argument, "not a ratio between 0 and 1, using 1", "1")

    def _named(self, name: str, group: str, default: str) -> None:
        value = self.get(name)
        if not value or value == default:
            return
        known = self._names(group)
        if value not in known:
            self.refuse(
                name,
                f"unknown{suggestion(value, known)}, using {default};"
                f" known here: {', '.join(known)}",
            )

    def _choices(self) -> None:
        for name, choices in _CHOICES.items():
            value = self.get(name)
            if value and value.lower() not in choices:
                self.refuse(
                    name,
                    f"unknown{suggestion(value, choices)}, using {choices[0]};"
                    f" use one of {', '.join(choices)}",
                )
        for scope in _SCOPES:
            name = f"OTEL_EXPORTER_OTLP{scope}_COMPRESSION"
            value = self.get(name)
            if value and value.lower() not in COMPRESSIONS:
                self.refuse(
                    name,
                    f"unknown{suggestion(value, COMPRESSIONS)}, not compressing;"
                    f" use one of {', '.join(COMPRESSIONS)}",
                )

    # -- who, and with which files --------------------------------------------------------------

    def _resource(self) -> None:
        self._pairs("OTEL_RESOURCE_ATTRIBUTES", "attribute", secret=False)

    def _files(self) -> None:
        for name in _FILES:
            path = self.get(name)
            if path and not os.path.isfile(path):
                self.problems.append(f"{name}={path!r}: no such file; sending will fail")


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _pair(text: str, *, header: bool) -> str | None:
    """``name=value`` as the SDK can read it, or None if it is none."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not name or any(c.isspace() for c in name):
        return None
    if header:
        # The SDK would print a value with one of these characters, and drop it.
        value = "".join(quote(c) if c in '";\\' else c for c in value)
        plain = unquote(value)
        if not _HEADER_NAME.fullmatch(name) or not (plain.isascii() and plain.isprintable()):
            return None
    return f"{name}={value}"
