"""The settings of litellm-otel: one frozen dataclass, made by one pure function.

A bad value never stops the program: it is replaced by the default, and one line tells which setting
it was, what it said and what to do.
"""

from __future__ import annotations

import os
import re
from collections import ChainMap
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, cast

from litellm_otel import environment as env
from litellm_otel.content.policy import MAX_LENGTH, MAX_SIZE, ContentPolicy, policy
from litellm_otel.legacy_environment import translate
from litellm_otel.sdk_environment import Check, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "LITELLM_OTEL_"
SCOPE_NAME = "litellm_otel"
TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")

DEFAULT_EXCLUDED_URLS = (
    # Probes, scrapes and the API's own documentation: traffic that nobody asked the gateway for.
    r"^https?://[^/]+(/[^/]+)*/health(/.*)?$",
    r"^https?://[^/]+(/[^/]+)*/(metrics|favicon.ico|openapi.json|docs|redoc|routes)/?$",
    r"^https?://[^/]+/(ui|_next|swagger|litellm-asset-prefix)(/.*)?$",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What litellm-otel goes by in this process."""

    disabled: bool = False
    """``OTEL_SDK_DISABLED``: do nothing at all."""
    debug: bool = False
    flush_timeout: float = 5.0
    slow_request_threshold: float = 10.0
    stream_idle_timeout: float = 600.0
    excluded_urls: tuple[str, ...] = DEFAULT_EXCLUDED_URLS
    foreign_litellm: str = "skip"
    litellm_callback: str = "skip"
    trace_response: str = "traceresponse"
    baggage_keys: tuple[str, ...] = ()
    baggage_to_providers: bool = False
    metrics_include: tuple[str, ...] = ()
    metrics_exclude: tuple[str, ...] = ()
    metrics_strict: bool = False
    process_metrics: bool = True
    hanging_request_threshold: float | None = None
    """None where LiteLLM's own setting says it."""
    metrics_endpoint: bool = False
    http_metrics: bool = False
    logs: bool = True
    access_log: bool = False
    content_max_length: int = MAX_LENGTH
    content_max_size: int = MAX_SIZE
    content_blobs: bool = False
    content_redact_patterns: tuple[re.Pattern[str], ...] | None = ()
    """None where they are not what was meant."""
    content: ContentPolicy = field(default_factory=ContentPolicy)
    """What is done with content, by the standard variables and by those above."""
    tracer_name: str = SCOPE_NAME
    meter_name: str = SCOPE_NAME
    logger_name: str = SCOPE_NAME
    environment: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    """What the standard variables have to become; None is unset."""


class _Invalid(ValueError):
    """Says, after the setting's name and value, what is wrong with it and what to use."""


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise _Invalid("not a number of seconds above 0; use for example 5")
    return value


def _switch(text: str) -> bool:
    if text.lower() not in TRUE + FALSE:
        raise _Invalid("neither true nor false")
    return text.lower() in TRUE


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise _Invalid(f"unknown{suggestion(text, choices)}; use {' or '.join(choices)}")
        return text.lower()

    return parse


def _patterns(text: str) -> tuple[str, ...]:
    patterns = tuple(part.strip() for part in text.split(",") if part.strip())
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise _Invalid(f"{pattern!r} is not a regular expression ({error})") from None
    return patterns


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if not re.fullmatch(r"[A-Za-z_:*][A-Za-z0-9_.:*]*", name):
            raise _Invalid(f"{name!r} is not a name of metrics; use for example litellm_*")
    return names


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 1 << 31:
        raise _Invalid("not a whole number above 0; use for example 8192")
    return int(text)


def _compiled(text: str) -> tuple[re.Pattern[str], ...]:
    made: list[re.Pattern[str]] = []
    for pattern in filter(None, (part.strip() for part in re.split(r"[;\n]", text))):
        try:
            made.append(re.compile(pattern))
        except (re.error, OverflowError, RecursionError) as error:
            raise _Invalid(f"{pattern!r} is not a regular expression ({error})") from None
    return tuple(made)


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110: of headers and of baggage


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    for key in keys:
        if not _TOKEN.fullmatch(key):
            raise _Invalid(f"{key!r} is not a key that baggage can have")
    return keys


def _header(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise _Invalid("not the name of an HTTP header; use for example traceresponse")
    return text.lower()


_PARSERS: Mapping[str, Callable[[str], object]] = {
    env.FLUSH_TIMEOUT: _seconds,
    env.SLOW_REQUEST_THRESHOLD: _seconds,
    env.STREAM_IDLE_TIMEOUT: _seconds,
    env.EXCLUDED_URLS: _patterns,
    env.FOREIGN_LITELLM: _choice("skip", "keep"),
    env.LITELLM_CALLBACK: _choice("skip", "keep"),
    env.TRACE_RESPONSE: _header,
    env.BAGGAGE_KEYS: _keys,
    env.BAGGAGE_TO_PROVIDERS: _switch,
    env.CONTENT_MAX_LENGTH: _count,
    env.CONTENT_MAX_SIZE: _count,
    env.CONTENT_BLOBS: _switch,
    env.CONTENT_REDACT_PATTERNS: _compiled,
    env.METRICS_INCLUDE: _names,
    env.METRICS_EXCLUDE: _names,
    env.METRICS_STRICT: _switch,
    env.PROCESS_METRICS: _switch,
    env.HANGING_REQUEST_THRESHOLD: _seconds,
    env.METRICS_ENDPOINT: _switch,
    env.HTTP_METRICS: _switch,
    env.LOGS: _switch,
    env.ACCESS_LOG: _switch,
}
_SCOPE_NAMES = {
    "tracer_name": env.LEGACY_TRACER_NAME,
    "meter_name": env.LEGACY_METER_NAME,
    "logger_name": env.LEGACY_LOGGER_NAME,
}


def load(
    environ: Mapping[str, str], config_file: str | None = None
) -> tuple[Settings, tuple[str, ...]]:
    """The settings that `environ` and the YAML file ask for, and a line for each problem in them.

    `config_file` stands in for ``LITELLM_OTEL_CONFIG_FILE``.
    """
    problems: list[str] = []
    path = config_file or environ.get(env.CONFIG_FILE, "").strip()
    values: dict[str, Any] = {
        "disabled": environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true",
        "debug": environ.get(env.LEGACY_DEBUG, "").strip().lower() in TRUE,
    }
    for source, settings in (
        (path, _from_file(path, problems) if path else {}),
        ("", _from_environment(environ, problems)),
    ):
        values |= _parsed(settings, source, problems)
    values["content"] = policy(
        environ,
        blobs=values.get("content_blobs", False),
        max_length=values.get("content_max_length", MAX_LENGTH),
        max_size=values.get("content_max_size", MAX_SIZE),
        patterns=values.get("content_redact_patterns", ()),
        problems=problems,
    )
    for name, variable in _SCOPE_NAMES.items():
        values[name] = environ.get(variable, "").strip() or SCOPE_NAME
    values["environment"] = _standard(environ, problems)
    return Settings(**values), tuple(problems)


def _parsed(settings: Mapping[str, str], source: str, problems: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, text in settings.items():
        key = name.removeprefix(PREFIX).lower()
        try:
            values[key] = _PARSERS[name](text)
        except _Invalid as error:
            shown = f"{source}: {key}: {text!r}" if source else f"{name}={text!r}"
            if name == env.CONTENT_REDACT_PATTERNS:
                values[key] = None
                problems.append(f"{shown}: {error}")
            else:
                problems.append(f"{shown}: {error}; using the default")
    return values


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for name, text in environ.items():
        if name in _PARSERS:
            if text.strip():
                settings[name] = text.strip()
        elif name.startswith(PREFIX) and not name.startswith(
            (*env.NAMES_OF_OTHERS, env.CONFIG_FILE)
        ):
            problems.append(f"{name}: no such setting{suggestion_of_name(name)}, ignored")
    return settings


def suggestion_of_name(name: str) -> str:
    """Like `suggestion`, for the name of a setting."""
    keys = {known.removeprefix(PREFIX).lower(): known for known in (*_PARSERS, env.CONFIG_FILE)}
    hint = suggestion(name.removeprefix(PREFIX), keys)
    for key, known in keys.items():
        hint = hint.replace(repr(key), known) if name.startswith(PREFIX) else hint
    return hint


def _from_file(path: str, problems: list[str]) -> dict[str, str]:
    try:
        import yaml
    except ImportError:
        problems.append(f"{env.CONFIG_FILE}={path!r}: PyYAML is missing; run: pip install pyyaml")
        return {}
    try:
        with open(path, encoding="utf-8") as stream:
            content: object = yaml.safe_load(stream)
    except OSError as error:
        problems.append(f"{env.CONFIG_FILE}={path!r}: {error.strerror}, ignored")
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.append(f"{env.CONFIG_FILE}={path!r}: not YAML ({_one_line(error)}), ignored")
        return {}
    if content is None:
        return {}
    if not isinstance(content, dict):
        problems.append(f"{env.CONFIG_FILE}={path!r}: not a list of `name: value`, ignored")
        return {}
    settings: dict[str, str] = {}
    for key, value in cast("dict[object, object]", content).items():
        name = f"{PREFIX}{key}".upper()
        if name not in _PARSERS or key != str(key).lower():
            hint = suggestion_of_name(str(key))
            problems.append(f"{path}: {key}: no such setting{hint}, ignored")
        elif isinstance(value, list):
            between = "\n" if name == env.CONTENT_REDACT_PATTERNS else ","
            settings[name] = between.join(str(item) for item in cast("list[object]", value))
        else:
            settings[name] = "" if value is None else str(value)
    return settings


def _one_line(error: Exception) -> str:
    mark: Any = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}" if mark is not None else ""
    return str(getattr(error, "problem", None) or "unreadable") + place


def _standard(environ: Mapping[str, str], problems: list[str]) -> dict[str, str | None]:
    translated, notes = translate(environ)
    check = Check(ChainMap(dict(translated), dict(environ))).run()
    problems.extend(notes)
    problems.extend(check.problems)
    return {**translated, **check.corrections}


_current: Settings | None = None


def current() -> Settings:
    """The settings of this process; read from its environment when first asked for."""
    return _current if _current is not None else use(load(os.environ)[0])


def use(settings: Settings) -> Settings:
    """Make `settings` the ones of this process."""
    global _current
    _current = settings
    return settings


def names() -> tuple[str, ...]:
    """Every setting that `load` can set, for documentation and tests."""
    return tuple(item.name for item in fields(Settings))
