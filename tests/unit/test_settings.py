from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from litellm_otel import environment, settings
from litellm_otel.settings import Settings, load

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = Settings()


def problems_of(**environ: str) -> tuple[str, ...]:
    return load(environ)[1]


def corrected(**environ: str) -> dict[str, str | None]:
    return dict(load(environ)[0].environment)


def test_empty_environment_gives_the_defaults_and_nothing_to_tell() -> None:
    assert load({}) == (DEFAULT, ())


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULT.flush_timeout = 1.0  # type: ignore[misc]


def test_load_does_not_touch_the_environment_it_is_given() -> None:
    environ = {"OTEL_ENDPOINT": "http://c:4318/v1/traces", "OTEL_TRACES_EXPORTER": "otpl"}
    before = dict(environ)
    load(environ)
    assert environ == before


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        (environment.FLUSH_TIMEOUT, "2.5", "flush_timeout", 2.5),
        (environment.SLOW_REQUEST_THRESHOLD, "30", "slow_request_threshold", 30.0),
        (environment.STREAM_IDLE_TIMEOUT, " 60 ", "stream_idle_timeout", 60.0),
        (environment.EXCLUDED_URLS, "/a$, /b", "excluded_urls", ("/a$", "/b")),
        (environment.FOREIGN_LITELLM, "Keep", "foreign_litellm", "keep"),
        (environment.PROCESS_METRICS, "off", "process_metrics", False),
        (environment.HANGING_REQUEST_THRESHOLD, "60", "hanging_request_threshold", 60.0),
        (environment.METRICS_ENDPOINT, "true", "metrics_endpoint", True),
        (environment.HTTP_METRICS, "1", "http_metrics", True),
        (environment.LOGS, "no", "logs", False),
        (environment.ACCESS_LOG, "TRUE", "access_log", True),
        (environment.LEGACY_TRACER_NAME, "gateway", "tracer_name", "gateway"),
        (environment.LEGACY_METER_NAME, "gateway", "meter_name", "gateway"),
        (environment.LEGACY_LOGGER_NAME, "gateway", "logger_name", "gateway"),
        (environment.LEGACY_DEBUG, "true", "debug", True),
        ("OTEL_SDK_DISABLED", "True", "disabled", True),
    ],
)
def test_each_setting_is_read(name: str, text: str, field: str, value: object) -> None:
    loaded, problems = load({name: text})
    assert loaded == dataclasses.replace(DEFAULT, **{field: value})
    assert problems == ()


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        (environment.FLUSH_TIMEOUT, "soon", "number of seconds"),
        (environment.FLUSH_TIMEOUT, "-1", "number of seconds"),
        (environment.SLOW_REQUEST_THRESHOLD, "nan", "number of seconds"),
        (environment.STREAM_IDLE_TIMEOUT, "0", "number of seconds"),
        (environment.EXCLUDED_URLS, "/a,(", "regular expression"),
        (environment.FOREIGN_LITELLM, "skipp", "did you mean 'skip'"),
        (environment.PROCESS_METRICS, "maybe", "neither true nor false"),
    ],
)
def test_a_bad_value_is_one_line_and_the_default(name: str, text: str, hint: str) -> None:
    loaded, problems = load({name: text})
    assert loaded == DEFAULT
    (problem,) = problems
    assert problem.startswith(f"{name}={text!r}: ")
    assert hint in problem
    assert "\n" not in problem


def test_a_misspelt_setting_names_the_right_one() -> None:
    (problem,) = problems_of(LITELLM_OTEL_FLUSH_TIMEOU="3")
    assert problem.startswith("LITELLM_OTEL_FLUSH_TIMEOU: no such setting")
    assert environment.FLUSH_TIMEOUT in problem


@pytest.mark.parametrize(
    "name", ["LITELLM_OTEL_V2", "LITELLM_OTEL_INTEGRATION_ENABLE_METRICS", "LITELLM_OTHER"]
)
def test_names_that_are_litellms_own_are_left_alone(name: str) -> None:
    assert problems_of(**{name: "true"}) == ()


class TestFile:
    def test_values_are_read_and_the_environment_wins(self, tmp_path: Path) -> None:
        path = tmp_path / "otel.yaml"
        path.write_text("flush_timeout: 2\nlogs: false\nexcluded_urls: [/a, /b]\n")
        loaded, problems = load({environment.FLUSH_TIMEOUT: "3"}, str(path))
        assert problems == ()
        assert (loaded.flush_timeout, loaded.logs) == (3.0, False)
        assert loaded.excluded_urls == ("/a", "/b")

    def test_the_environment_names_it(self, tmp_path: Path) -> None:
        path = tmp_path / "otel.yaml"
        path.write_text("flush_timeout: 2\n")
        assert load({environment.CONFIG_FILE: str(path)})[0].flush_timeout == 2.0

    @pytest.mark.parametrize(
        ("content", "hint"),
        [
            ("a: [1", "not YAML (expected ',' or ']'"),
            ("- a\n- b\n", "not a list of `name: value`"),
            (
                "flush_timeuot: 2\n",
                "flush_timeuot: no such setting (did you mean 'flush_timeout'?)",
            ),
            ("flush_timeout: soon\n", "flush_timeout: 'soon': not a number of seconds"),
            ("flush_timeout: {a: 1}\n", "not a number of seconds"),
        ],
    )
    def test_what_is_wrong_in_it_is_one_line(self, tmp_path: Path, content: str, hint: str) -> None:
        path = tmp_path / "otel.yaml"
        path.write_text(content)
        loaded, problems = load({}, str(path))
        assert loaded == DEFAULT
        (problem,) = problems
        assert str(path) in problem
        assert hint in problem
        assert "\n" not in problem

    def test_a_missing_one_is_one_line(self, tmp_path: Path) -> None:
        loaded, problems = load({environment.CONFIG_FILE: str(tmp_path / "none.yaml")})
        assert loaded == DEFAULT
        assert len(problems) == 1
        assert "No such file" in problems[0]

    def test_an_empty_one_is_fine(self, tmp_path: Path) -> None:
        path = tmp_path / "otel.yaml"
        path.write_text("# nothing yet\n")
        assert load({}, str(path)) == (DEFAULT, ())


class TestStandardVariables:
    def test_good_ones_are_left_as_they_are(self) -> None:
        assert load(
            {
                "OTEL_TRACES_EXPORTER": "otlp,console",
                "OTEL_METRICS_EXPORTER": "prometheus",
                "OTEL_LOGS_EXPORTER": "none",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "https://user:secret@collector:4318/base",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20abc,x-a=b=c",
                "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "10",
                "OTEL_METRIC_EXPORT_INTERVAL": "15000",
                "OTEL_BSP_MAX_QUEUE_SIZE": "4096",
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "0.25",
                "OTEL_RESOURCE_ATTRIBUTES": "service.name=a,team=b",
                "OTEL_METRICS_EXEMPLAR_FILTER": "trace_based",
                "OTEL_EXPORTER_PROMETHEUS_PORT": "9464",
            }
        ) == (DEFAULT, ())

    @pytest.mark.parametrize(
        ("name", "value", "hint", "instead"),
        [
            ("OTEL_TRACES_EXPORTER", "otpl", "did you mean 'otlp'?", "none"),
            ("OTEL_METRICS_EXPORTER", "otlp,promethius", "did you mean 'prometheus'?", "otlp"),
            ("OTEL_LOGS_EXPORTER", "file", "known here: console, otlp", "none"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "unknown protocol", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "htttp", "unknown protocol", "http/protobuf"),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "collector:4318",
                "has no scheme",
                "http://collector:4318",
            ),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip", "did you mean 'gzip'?", None),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "number of seconds", None),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1m", "number of milliseconds", None),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0", "number of milliseconds", None),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-5", "whole number above 0", None),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long", "whole number", None),
            ("OTEL_TRACES_SAMPLER", "always", "did you mean 'always_o", None),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "on", "use one of always_on", None),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "99999", "port number", None),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=a,oops", "'oops'", "team=a"),
            ("OTEL_PYTHON_ID_GENERATOR", "rnd", "known here", None),
        ],
    )
    def test_a_bad_one_is_one_line_and_corrected(
        self, name: str, value: str, hint: str, instead: str | None
    ) -> None:
        loaded, problems = load({name: value})
        (problem,) = problems
        assert problem.startswith(name)
        assert hint in problem
        assert "\n" not in problem
        assert loaded.environment[name] == instead

    def test_the_ratio_of_a_sampler_is_checked(self) -> None:
        environ = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "7"}
        loaded, problems = load(environ)
        assert len(problems) == 1
        assert loaded.environment == {"OTEL_TRACES_SAMPLER_ARG": "1"}

    @pytest.mark.parametrize(
        "endpoint", ["http://", "http://c:port", "http://c:99999", "ht tp://x"]
    )
    def test_a_malformed_endpoint_takes_its_signals_out(self, endpoint: str) -> None:
        loaded, problems = load(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs:4318/v1/logs",
                "OTEL_METRICS_EXPORTER": "otlp,prometheus",
                "OTEL_LOGS_EXPORTER": "otlp",
            }
        )
        assert len(problems) == 1
        assert "not a URL" in problems[0]
        assert loaded.environment == {
            "OTEL_EXPORTER_OTLP_ENDPOINT": None,
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "prometheus",
        }

    def test_a_malformed_endpoint_of_one_signal_leaves_the_others(self) -> None:
        loaded, problems = load(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://:x",
            }
        )
        assert len(problems) == 1
        assert loaded.environment == {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": None,
            "OTEL_TRACES_EXPORTER": "none",
        }

    def test_a_bad_header_is_left_out_and_never_shown(self) -> None:
        loaded, problems = load(
            {"OTEL_EXPORTER_OTLP_HEADERS": "Bearer s3cr3t-t0ken,x-team=a,bad name=s3cr3t"}
        )
        assert len(problems) == 2
        assert not any("s3cr3t" in problem for problem in problems)
        assert loaded.environment == {"OTEL_EXPORTER_OTLP_HEADERS": "x-team=a"}

    def test_a_header_that_the_sdk_would_print_and_drop_is_encoded(self) -> None:
        loaded, problems = load({"OTEL_EXPORTER_OTLP_HEADERS": 'cookie=a;b="c"'})
        assert problems == ()
        assert loaded.environment == {"OTEL_EXPORTER_OTLP_HEADERS": "cookie=a%3Bb=%22c%22"}

    def test_credentials_in_an_endpoint_are_never_shown(self) -> None:
        (problem,) = problems_of(OTEL_EXPORTER_OTLP_ENDPOINT="http://u:s3cr3t@host:port?key=s3cr3t")
        assert "s3cr3t" not in problem

    def test_timeouts_in_milliseconds_become_seconds(self) -> None:
        assert corrected(OTEL_EXPORTER_OTLP_TIMEOUT="10000") == {"OTEL_EXPORTER_OTLP_TIMEOUT": "10"}

    def test_a_batch_never_exceeds_its_queue(self) -> None:
        assert corrected(OTEL_BSP_MAX_QUEUE_SIZE="100") == {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100"}

    def test_grpc_without_its_exporter_names_the_package(self) -> None:
        loaded, problems = load({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
        (problem,) = problems
        assert "pip install opentelemetry-exporter-otlp-proto-grpc" in problem
        assert loaded.environment == {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}

    def test_a_missing_certificate_is_told(self) -> None:
        (problem,) = problems_of(OTEL_EXPORTER_OTLP_CERTIFICATE="/no/such.pem")
        assert "no such file" in problem


class TestLiteLLMsOwnNames:
    def test_they_stand_in_for_the_standard_ones(self) -> None:
        assert corrected(
            OTEL_EXPORTER="otlp_http",
            OTEL_ENDPOINT="https://api.example.com/v1/traces",
            OTEL_HEADERS="x-team=abc",
            OTEL_ENVIRONMENT_NAME="staging",
        ) == {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.example.com",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-team=abc",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging",
        }

    def test_the_standard_ones_win(self) -> None:
        assert (
            corrected(
                OTEL_EXPORTER="console",
                OTEL_TRACES_EXPORTER="otlp",
                OTEL_METRICS_EXPORTER="none",
                OTEL_LOGS_EXPORTER="none",
                OTEL_ENDPOINT="http://old:4318",
                OTEL_EXPORTER_OTLP_ENDPOINT="http://new:4318",
                OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
                OTEL_HEADERS="a=b",
                OTEL_EXPORTER_OTLP_HEADERS="c=d",
                OTEL_ENVIRONMENT_NAME="staging",
                OTEL_RESOURCE_ATTRIBUTES="deployment.environment=production",
            )
            == {}
        )

    def test_console_without_an_endpoint_is_the_console(self) -> None:
        assert corrected(OTEL_EXPORTER="console")["OTEL_TRACES_EXPORTER"] == "console"

    def test_they_are_checked_like_the_standard_ones(self) -> None:
        loaded, problems = load({"OTEL_ENDPOINT": "collector:4318"})
        assert len(problems) == 1
        assert loaded.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"

    def test_an_unknown_exporter_is_one_line(self) -> None:
        (problem,) = problems_of(OTEL_EXPORTER="otlp_htp")
        assert "did you mean 'otlp_http'?" in problem

    def test_the_environment_name_joins_other_attributes(self) -> None:
        assert corrected(OTEL_ENVIRONMENT_NAME="eu west,1", OTEL_RESOURCE_ATTRIBUTES="a=b") == {
            "OTEL_RESOURCE_ATTRIBUTES": "a=b,deployment.environment.name=eu west%2C1"
        }


def test_current_reads_the_environment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_current", None)
    monkeypatch.setenv(environment.FLUSH_TIMEOUT, "9")
    assert settings.current().flush_timeout == 9.0
    monkeypatch.setenv(environment.FLUSH_TIMEOUT, "8")
    assert settings.current().flush_timeout == 9.0
