"""Log files of LiteLLM through the collector into a real Loki: the same fields as over OTLP, once
each, whatever happens to the file and to the collector."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stack.components.collector import Collector
from stack.components.loki import Line, Loki
from stack.drill.load import Load, post
from stack.paths import RunDirectory
from stack.service import clean_environment
from stack.waiting import PATIENCE, until

# LiteLLM's own formatter, as `json_logs: true` sets it up.
WRITE = """
import logging, sys
from litellm._logging import JsonFormatter
handler = logging.FileHandler(sys.argv[1])
handler.setFormatter(JsonFormatter())
logger = logging.getLogger("LiteLLM Proxy")
logger.handlers, logger.propagate = [handler], False
logger.setLevel("DEBUG")
logger.info("plain words")
logger.warning('{"model": "gpt-4o", "event": "x"}')
try:
    raise ValueError("sk-leaked1234567890")
except ValueError:
    logger.exception("it failed")
"""
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("litellm") / "json.log"
    env = clean_environment({"LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"})
    subprocess.run([sys.executable, "-c", WRITE, path], env=env, check=True, timeout=400)
    return path.read_text()


def stored(loki: Loki, count: int) -> dict[str, Line]:
    found = until(
        lambda: len(lines := loki.query('{service_name="litellm"}')) >= count and lines,
        what=f"{count} lines at Loki",
    )
    assert len(found) == count
    return {line.text: line for line in found}


def test_lines_of_a_file_have_the_fields_of_those_over_otlp(
    own_run: RunDirectory, tmp_path: Path, lines: str
) -> None:
    file = tmp_path / "litellm.log"
    correlated = (
        f'{{"message": "traced", "level": "ERROR", "trace_id": "{TRACE}", "session_id": "s1",'
        ' "timestamp": "2026-01-01T00:00:00", "component": "LiteLLM", "logger": "utils.py:7"}\n'
    )
    file.write_text("INFO:     Started server process [7]\n" + lines)
    with (
        Loki(run=own_run) as loki,
        Collector(
            run=own_run,
            configs=["base", "file-log", "loki", "debug"],
            loki=loki.otlp_endpoint,
            env={"LITELLM_LOG_FILES": f"{tmp_path}/*.log"},
        ) as collector,
    ):
        found = stored(loki, 4)
        assert "INFO:     Started server process [7]" in found
        plain = found["plain words"].labels
        assert plain["severity_text"] == "INFO"
        assert plain["scope_name"] == "LiteLLM Proxy"
        assert plain["code_file_path"] == "<string>"
        assert plain["code_line_number"] == "9"
        assert plain["log_file_path"] == str(file)
        assert "model" not in found['{"model": "gpt-4o", "event": "x"}'].labels
        failed = found["it failed"].labels
        assert failed["severity_text"] == "ERROR"
        assert failed["exception_stacktrace"].startswith("Traceback (most recent call last)")
        assert "sk-leaked" not in str(failed)
        # No more index labels than those of lines over OTLP.
        assert loki.label_names() == ["service_name"]

        with file.open("a") as end:
            end.write(correlated)
        until(lambda: f"Trace ID: {TRACE}" in collector.log, what="the trace id")
        assert "Timestamp: 2026-01-01 00:00:00" in collector.log


def test_no_line_is_lost_over_a_restart_a_rotation_and_a_kill(
    own_run: RunDirectory, tmp_path: Path
) -> None:
    file = tmp_path / "litellm.log"

    def write(*numbers: int) -> None:
        with file.open("a") as end:
            end.writelines(f'{{"message": "line {each}", "level": "INFO"}}\n' for each in numbers)

    with (
        Loki(run=own_run) as loki,
        Collector(
            run=own_run,
            configs=["base", "file-log", "loki"],
            loki=loki.otlp_endpoint,
            env={"LITELLM_LOG_FILES": f"{tmp_path}/*.log"},
        ) as collector,
    ):
        write(1, 2)
        stored(loki, 2)
        collector.stop()
        write(3)
        os.rename(file, tmp_path / "litellm-1.log")
        write(4)
        collector.start()
        collector.await_ready()
        stored(loki, 4)
        write(5)
        found = stored(loki, 5)
        assert set(found) == {f"line {each}" for each in range(1, 6)}
        collector.signal(signal.SIGKILL)
        collector.wait(PATIENCE)
        write(6)
        collector.start()
        collector.await_ready()
        until(
            lambda: "line 6" in {line.text for line in loki.query('{service_name="litellm"}')},
            what="the line written while it was down",
        )


def test_no_record_is_over_the_limits_of_a_loki_as_it_comes(own_run: RunDirectory) -> None:
    """128 attributes, 64 KB of them, 256 KB of text: what exceeds them is refused for good."""
    defaults = [
        "-limits.max-structured-metadata-size=64KB",
        "-limits.max-structured-metadata-entries-count=128",
        "-distributor.max-line-size-truncate=false",
    ]
    with (
        Loki(run=own_run, flags=defaults) as loki,
        Collector(run=own_run, configs=["base", "loki"], loki=loki.otlp_endpoint) as collector,
    ):
        load = Load(collector.endpoint)
        usual = {f"attribute.{number}": "x" * 100 for number in range(60)}
        for number, (extra, text) in enumerate(
            (
                (usual, "usual"),
                ({f"attribute.{number}": "x" * 100 for number in range(400)}, "many"),
                ({"long": "y" * 300_000, "litellm.status": "error"}, "long"),
                ({f"attribute.{number}": "x" * 20_000 for number in range(20)}, "all long"),
                ({}, "z" * 300_000),
            )
        ):
            post(collector.endpoint, "logs", load.logs([number], extra, text)).raise_for_status()
        found = {line.labels["load_item"]: line for line in stored(loki, 5).values()}
        assert set(found) == {"0", "1", "2", "3", "4"}
        for name, value in usual.items():
            assert found["0"].labels[name.replace(".", "_")] == value
        assert found["2"].labels["litellm_status"] == "error"
        assert len(found["2"].labels["long"]) == 32_768
        assert found["4"].text == "z" * 250_000
        assert "Dropping data" not in collector.log
