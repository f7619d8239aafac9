"""One page of many: what adds up, what does not, and what is left of those that are gone."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client.parser import text_string_to_metric_families

from litellm_otel import catalogue
from litellm_otel.emit import storage
from litellm_otel.emit.collection import prepare
from litellm_otel.emit.counters import Counters
from litellm_otel.emit.distributions import distributions_for
from litellm_otel.emit.gauges import Gauge
from litellm_otel.prometheus import families, gone
from litellm_otel.prometheus.families import Family, Page, Sample
from litellm_otel.prometheus.merging import add, merged
from litellm_otel.prometheus.own import Reader
from litellm_otel.workers import ledger, meeting
from litellm_otel.workers.meeting import LEDGER, WILL, Member
from stack.ports import free_port
from stack.waiting import until


def page(name: str, kind: str, value: float, told: float = 0.0, **labels: str) -> Page:
    sample = f"{name}_total" if kind == "counter" else name
    key = (sample, tuple(sorted(labels.items())))
    return {name: Family(name, "Help.", kind, "", {key: Sample(value, None, told)})}


def values(merged_page: Page, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {labels: sample.value for (_, labels), sample in merged_page[name].samples.items()}


class TestMerging:
    def test_counts_add_up_with_those_that_are_gone(self) -> None:
        pages = [(1, page("litellm_requests", "counter", 2, model="a")) for _ in range(3)]
        gone = page("litellm_requests", "counter", 5, model="a")
        one = merged(pages, gone)
        assert values(one, "litellm_requests") == {(("model", "a"),): 11}

    def test_a_fact_is_told_once_by_whoever_was_told_of_it_last(self) -> None:
        name = "litellm_remaining_team_budget_metric"
        pages = [
            (1, page(name, "gauge", 70, 10.0, team="a")),
            (2, page(name, "gauge", 60, 30.0, team="a")),
            (3, page(name, "gauge", 80, 20.0, team="a")),
            (3, page(name, "gauge", 5, 20.0, team="b")),
        ]
        assert values(merged(pages, {}), name) == {(("team", "a"),): 60, (("team", "b"),): 5}

    def test_what_is_each_processs_own_is_told_apart(self) -> None:
        name = "process_uptime_seconds"
        pages = [(7, page(name, "gauge", 1)), (8, page(name, "gauge", 2))]
        assert values(merged(pages, {}), name) == {(("pid", "7"),): 1, (("pid", "8"),): 2}

    def test_states_that_add_up(self) -> None:
        name = "litellm_in_flight_requests"
        pages = [(1, page(name, "gauge", 3)), (2, page(name, "gauge", 4))]
        assert values(merged(pages, {}), name) == {(): 7}

    def test_unknown_counts_add_up_and_unknown_gauges_do_not(self) -> None:
        pages = [
            (n, {**page("http_requests", "counter", 1), **page("http_active", "gauge", 1)})
            for n in (1, 2)
        ]
        one = merged(pages, {})
        assert values(one, "http_requests") == {(): 2}
        assert values(one, "http_active") == {(("pid", "1"),): 1, (("pid", "2"),): 1}

    def test_the_dead_leave_no_gauges(self) -> None:
        gone: Page = {}
        add(gone, page("litellm_in_flight_requests", "gauge", 3))
        add(gone, page("process_cpu_time_seconds", "counter", 3))
        add(gone, page("litellm_requests", "counter", 3))
        assert set(gone) == {"litellm_requests"}

    def test_the_target_has_what_all_say_alike(self) -> None:
        def target(instance: str) -> Page:
            labels = (("service_instance_id", instance), ("service_name", "litellm"))
            return {
                "target": Family("target", "", "info", "", {("target_info", labels): Sample(1)})
            }

        one = merged([(1, target("a")), (2, target("b"))], {})
        assert values(one, "target") == {(("service_name", "litellm"),): 1}

    def test_a_page_is_the_same_after_it_was_sent(self) -> None:
        sent = page("litellm_requests", "counter", 2, model='a"b\nc')
        sent["litellm_requests"].samples["x", ()] = Sample(
            math.inf, ({"trace_id": "1"}, 0.5, 1.5), 3.0
        )
        received, more = families.load(families.dump(sent, names=["a"]))
        assert received == sent
        assert more == {"names": ["a"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "1-a.ledger"


@pytest.fixture
def kept(file: Path) -> ledger.Ledger:
    return ledger.Ledger(os.open(file, os.O_RDWR | os.O_CREAT))


class TestLedger:
    def test_what_was_counted_is_read_as_it_would_have_been_scraped(
        self, file: Path, kept: ledger.Ledger
    ) -> None:
        prepare()
        reader = Reader()
        provider = MeterProvider([reader])
        meter = provider.get_meter("test", "1")
        storage.keep_in(kept.keep)
        try:
            counted = Counters[float](meter, lambda _: None, [(catalogue.REQUESTS, float)])
            counted.add({"model": "gpt-4o", "provider": "openai", "status": "success"}, 3)
            counted.add({"model": None, "provider": "openai", "status": 'a "b"\nc'}, 0.5)
            latency = distributions_for(meter, provider, "test", "1")(
                catalogue.REQUEST_LATENCY, lambda _: None
            )
            for seconds in (0.001, 0.3, 0.3, 1000.0):
                latency.record(("gpt-4o", "openai", "success"), seconds, None)
            duration = distributions_for(meter, provider, "test", "1")(
                catalogue.OPERATION_DURATION, lambda _: None
            )
            duration.record(("chat", "openai", None, None, "host", 443, None), 0.1, None)
        finally:
            storage.keep_in(None)
        left = gone.read(file.read_bytes())
        scraped = reader.page()
        assert set(left) == {
            "litellm_requests",
            "litellm_request_latency_seconds",
            "gen_ai_client_operation_duration_seconds",
        }
        for name, family in left.items():
            assert family.samples == scraped[name].samples
            assert (family.type, family.help) == (scraped[name].type, scraped[name].help)

    def test_many_series_and_the_overflow(self, file: Path, kept: ledger.Ledger) -> None:
        one = storage.Family(("litellm.requests",), ("model", "provider", "status"), 2)
        for number in range(5000):
            cells = kept.keep(one, (f"model {number} {'x' * 200}", "p", "s"))
            assert cells is not None
            cells[0] += number + 1
        overflow = kept.keep(one, None)
        assert overflow is not None
        overflow[0] += 7
        assert file.stat().st_size > 2 * ledger.SEGMENT
        left = values(gone.read(file.read_bytes()), "litellm_requests")
        assert len(left) == 5001
        assert left[(("otel_metric_overflow", "true"),)] == 7
        assert sum(left.values()) == 7 + 5000 * 5001 / 2

    def test_a_series_too_long_for_it_is_counted_elsewhere(self, kept: ledger.Ledger) -> None:
        one = storage.Family(("litellm.requests",), ("model",), 2)
        assert kept.keep(one, ("x" * ledger.SEGMENT,)) is None

    def test_a_disk_without_room_stops_nothing(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        read_only = tmp_path / "file"
        read_only.touch()
        full = ledger.Ledger(os.open(read_only, os.O_RDONLY))
        storage.keep_in(full.keep)
        try:
            cells = storage.cells(storage.Family(("litellm.requests",), ("model",), 2), ("a",))
        finally:
            storage.keep_in(None)
        cells[0] += 1
        assert cells[0] == 1
        assert "finds no room on the disk for its counts" in caplog.text


COUNTING = """
import os, sys, time
from pathlib import Path
from litellm_otel.emit import storage
from litellm_otel.workers import ledger, meeting
member = meeting.Member(Path(sys.argv[1]))
member.show(meeting.LEDGER)
kept = ledger.Ledger(member.descriptor)
cells = kept.keep(storage.Family(("litellm.requests",), ("model",), 2), ("a",))
cells[0] += float(sys.argv[2])
print(member.name, flush=True)
time.sleep(600)
"""


class TestGroup:
    @pytest.fixture
    def where(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.setattr(meeting, "LONGEST", 1000)
        monkeypatch.delenv(meeting.VARIABLE, raising=False)
        yield meeting.directory()
        os.environ.pop(meeting.VARIABLE, None)

    def test_counts_of_the_killed_are_kept_once_and_for_all(self, where: Path) -> None:
        member = Member(where)
        processes: list[subprocess.Popen[str]] = []
        try:
            for number in (1, 2, 4):
                process = subprocess.Popen(
                    [sys.executable, "-c", COUNTING, str(where), str(number)],
                    stdout=subprocess.PIPE,
                    text=True,
                )
                processes.append(process)
            names = [process.stdout.readline().strip() for process in processes]  # pyright: ignore
            assert sorted(member.others(LEDGER)) == sorted(names)

            answered = {names[0], names[1]}
            settled = gone.settle(member, answered)
            assert settled.page == {}
            assert values(settled.silent, "litellm_requests") == {(("model", "a"),): 4}

            for process in processes[:2]:
                process.send_signal(signal.SIGKILL)
                process.wait(60)
            for _ in range(3):
                settled = gone.settle(member, {names[2]})
                assert values(settled.page, "litellm_requests") == {(("model", "a"),): 3}
                assert sorted(settled.names) == sorted(names[:2])
                assert settled.silent == {}
            assert member.others(LEDGER) == [names[2]]
        finally:
            for process in processes:
                process.kill()
                process.wait(60)

    def test_several_who_look_at_once_count_once(self, where: Path) -> None:
        member = Member(where)
        for _ in range(5):
            subprocess.run(
                [sys.executable, "-c", COUNTING.replace("time.sleep(600)", ""), str(where), "1"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        seen: list[float] = []

        def look() -> None:
            for _ in range(10):
                settled = gone.settle(member, set())
                seen.append(sum(values(settled.page, "litellm_requests").values()))

        lookers = [threading.Thread(target=look) for _ in range(4)]
        for looker in lookers:
            looker.start()
        for looker in lookers:
            looker.join()
        assert seen == [5.0] * 40

    @pytest.mark.parametrize("suffix", [LEDGER, WILL])
    def test_the_directory_is_private_and_swept_when_abandoned(
        self, where: Path, suffix: str
    ) -> None:
        assert where.stat().st_mode & 0o777 == 0o700
        old = time.time() - 3600
        abandoned = where.parent / f"{meeting.PREFIX}1-abandoned"
        lived_in = where.parent / f"{meeting.PREFIX}2-lived-in"
        for folder in (abandoned, lived_in):
            folder.mkdir(mode=0o700)
        member = Member(lived_in)
        member.show(suffix)
        for folder in (abandoned, lived_in):
            os.utime(folder, (old, old))
        del os.environ[meeting.VARIABLE]
        meeting.directory()
        assert not abandoned.exists()
        assert lived_in.exists()
        member.leave()

    def test_somebody_elses_directory_is_not_taken(self, where: Path) -> None:
        os.chmod(where, 0o755)
        with pytest.raises(PermissionError):
            meeting.directory()

    def test_another_program_that_inherits_the_environment_meets_elsewhere(
        self, where: Path
    ) -> None:
        code = "from litellm_otel.workers import meeting; print(meeting.directory())"
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        assert done.stdout.strip() != str(where)


SERVING = """
import sys, time
from pathlib import Path
from prometheus_client import CollectorRegistry
from litellm_otel.prometheus.port import Port
Port(Path(sys.argv[1]), CollectorRegistry()).start()
print("started", flush=True)
time.sleep(600)
"""


def test_the_port_goes_from_process_to_process(tmp_path: Path) -> None:
    import httpx

    port = free_port()
    env = {**os.environ, "OTEL_EXPORTER_PROMETHEUS_PORT": str(port)}
    processes: list[subprocess.Popen[str]] = []

    def start() -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVING, str(tmp_path / "port.lock")],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"

    def served() -> bool:
        return httpx.get(f"http://localhost:{port}/metrics", trust_env=False).status_code == 200

    try:
        for _ in range(3):
            start()
        for first in list(processes):
            until(served, what="the page", timeout=60.0, retry_on=(httpx.HTTPError,))
            first.kill()
            assert first.communicate(timeout=60)[1] == "", "nobody complains of a port that is ours"
    finally:
        for process in processes:
            process.kill()
            process.wait(60)


def test_a_gauge_says_when_it_was_told() -> None:
    reader = Reader()
    meter = MeterProvider([reader]).get_meter("test")
    metric = catalogue.BUDGETS["team"].remaining
    gauge = Gauge(meter, lambda _: None, metric)
    before = time.monotonic()
    gauge.set({"team": "a", "team_alias": None}, 5.0)
    (told,) = [sample.told for sample in reader.page()[metric.prometheus].samples.values()]
    assert before <= told <= time.monotonic()


def test_the_page_is_text_that_prometheus_reads() -> None:
    from prometheus_client import generate_latest

    from litellm_otel.prometheus import Serving

    reader = Reader()
    meter = MeterProvider([reader]).get_meter("test")
    counted = Counters[float](meter, lambda _: None, [(catalogue.REQUESTS, float)])
    counted.add({"model": "a", "provider": "b", "status": "c"}, 2)
    text = generate_latest(Serving(reader, port=False)).decode()  # pyright: ignore
    found = {
        sample.name: sample.labels
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["litellm_requests_total"] == {"model": "a", "provider": "b", "status": "c"}
    assert json.dumps(found["target_info"])
