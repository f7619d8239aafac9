"""What the real Alertmanager sends to PagerDuty and Slack for alerts as our rules make them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alerting import configs
from stack.ports import free_port
from stack.waiting import until
from tools.build import binary

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
RUNBOOK = "https://runbooks.example/#litellmhigherrorrate"
DASHBOARD = "https://grafana.example/d/litellm-overview?var-job=litellm"
PAGERDUTY_SEVERITIES = {"critical", "error", "warning", "info"}


class Sink:
    """Takes what is posted to it and remembers it by path."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.received.append((self.path, json.loads(body)))
                is_pagerduty = self.path == "/v2/enqueue"
                answer = b'{"status":"success"}' if is_pagerduty else b"ok"
                self.send_response(202 if is_pagerduty else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def at(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body in self.received if where == path]

    @property
    def pages(self) -> list[dict[str, Any]]:
        return self.at("/v2/enqueue")

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [body["attachments"][0] for body in self.at("/slack")]


class Alertmanager:
    """A running Alertmanager, addressed by its API."""

    def __init__(self, url: str, sink: Sink) -> None:
        self.url = url
        self.sink = sink

    def post(self, *alerts: dict[str, Any]) -> None:
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts",
            data=json.dumps(alerts).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as response:
                return response.status == 200
        except (urllib.error.URLError, OSError):
            return False


def wait_until(what: str, condition: Callable[[], object]) -> None:
    until(condition, what=what, interval=0.05)


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    thread = threading.Thread(target=sink.server.serve_forever, daemon=True)
    thread.start()
    yield sink
    sink.server.shutdown()
    sink.server.server_close()
    thread.join()


@pytest.fixture
def alertmanager(sink: Sink, tmp_path: Path) -> Iterator[Alertmanager]:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "pagerduty_routing_key").write_text(ROUTING_KEY + "\n")
    (secrets / "slack_api_url").write_text(f"{sink.url}/slack\n")
    config = tmp_path / "alertmanager.yml"
    config.write_text(
        configs.alertmanager(
            secrets=secrets,
            templates=configs.TEMPLATES,
            pagerduty_url=f"{sink.url}/v2/enqueue",
            group_wait="1s",
            group_interval="1s",
        )
    )
    address = f"127.0.0.1:{free_port()}"
    log = tmp_path / "alertmanager.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                str(binary("alertmanager")),
                f"--config.file={config}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address={address}",
                f"--web.external-url=http://{address}",
                "--cluster.listen-address=",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        running = Alertmanager(f"http://{address}", sink)
        wait_until(f"Alertmanager ready, see {log}", running.is_ready)
        yield running
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()


def alert(
    name: str, severity: str, *, service: str = "litellm", ended: bool = False, **labels: str
) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    return {
        "labels": {
            "alertname": name,
            "severity": severity,
            "service": service,
            "job": service,
            **labels,
        },
        "annotations": {
            "summary": f"{service}: 25% of LLM requests fail (limit 5%)",
            "description": "25% of the requests ended in an error. <openai & others>",
            "runbook_url": RUNBOOK,
            "dashboard_url": DASHBOARD,
        },
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": (now - timedelta(seconds=1) if ended else now + timedelta(minutes=5)).isoformat(),
        "generatorURL": "http://prometheus.example/graph?g0.expr=x",
    }


def test_a_critical_alert_pages_and_posts_then_resolves(alertmanager: Alertmanager) -> None:
    sink = alertmanager.sink
    alertmanager.post(alert("LiteLLMHighErrorRate", "critical"))
    wait_until("a page and a message", lambda: sink.pages and sink.messages)

    (page,) = sink.pages
    assert page["routing_key"] == ROUTING_KEY
    assert page["event_action"] == "trigger"
    assert page["dedup_key"]
    payload = page["payload"]
    assert payload["summary"] == "litellm: 25% of LLM requests fail (limit 5%)"
    assert payload["severity"] == "critical"
    assert payload["source"] == payload["component"] == "litellm"
    assert payload["class"] == "LiteLLMHighErrorRate"
    assert payload["group"] == "default"
    assert payload["custom_details"]["description"] == (
        "25% of the requests ended in an error. <openai & others>"
    )
    assert payload["custom_details"]["runbook"] == RUNBOOK
    assert page["client_url"].startswith(alertmanager.url)
    links = {link["text"]: link["href"] for link in page["links"]}
    assert links == {
        "Runbook": RUNBOOK,
        "Dashboard": DASHBOARD,
        "Query in Prometheus": "http://prometheus.example/graph?g0.expr=x",
    }

    (message,) = sink.messages
    assert message["title"] == "[CRITICAL] litellm: 25% of LLM requests fail (limit 5%)"
    assert message["color"] == "danger"
    assert message["text"].splitlines() == [
        "25% of the requests ended in an error. <openai & others>",
        f"<{RUNBOOK}|Runbook> · <{DASHBOARD}|Dashboard> · "
        "<http://prometheus.example/graph?g0.expr=x|Query>",
    ]

    alertmanager.post(alert("LiteLLMHighErrorRate", "critical", ended=True))
    wait_until("both resolved", lambda: len(sink.pages) == len(sink.messages) == 2)
    resolve = sink.pages[1]
    assert resolve["event_action"] == "resolve"
    assert resolve["dedup_key"] == page["dedup_key"]
    assert resolve["routing_key"] == ROUTING_KEY
    assert sink.messages[1]["title"].startswith("[RESOLVED] litellm: ")
    assert sink.messages[1]["color"] == "good"


def test_a_warning_posts_and_does_not_page(alertmanager: Alertmanager) -> None:
    sink = alertmanager.sink
    alertmanager.post(alert("LiteLLMHighLatency", "warning"))
    wait_until("a message", lambda: sink.messages)
    # A critical one sent later and paged proves that the page for the warning isn't merely late.
    alertmanager.post(alert("LiteLLMHighErrorRate", "critical", service="other"))
    wait_until("the other page", lambda: sink.pages)
    assert [page["payload"]["source"] for page in sink.pages] == ["other"]
    assert sink.messages[0]["color"] == "warning"


def test_one_incident_a_service_and_environment(alertmanager: Alertmanager) -> None:
    sink = alertmanager.sink
    alertmanager.post(
        alert("LiteLLMHighErrorRate", "critical", instance="a"),
        alert("LiteLLMHighErrorRate", "critical", instance="b"),
        alert("LiteLLMHighErrorRate", "critical", service="other"),
        alert("LiteLLMHighErrorRate", "critical", deployment_environment_name="eu"),
    )

    def told() -> dict[tuple[str, str], str]:
        """How many alerts each incident was last said to have: one may come a moment after the first."""
        pages = (page["payload"] for page in sink.pages)
        return {
            (page["source"], page["group"]): str(page["custom_details"]["firing"]) for page in pages
        }

    incidents = {("litellm", "default"): "2", ("litellm", "eu"): "1", ("other", "default"): "1"}
    wait_until("three incidents, one of them of two alerts", lambda: told() == incidents)
    assert len({page["dedup_key"] for page in sink.pages}) == 3


def test_down_silences_the_rest_of_that_service_only(alertmanager: Alertmanager) -> None:
    sink = alertmanager.sink
    # First alone: Alertmanager does not promise that an alert inhibits those it comes with.
    alertmanager.post(alert("LiteLLMDown", "critical"))
    wait_until("the page", lambda: len(sink.pages) == 1 and len(sink.messages) == 1)
    alertmanager.post(
        alert("LiteLLMHighErrorRate", "critical"),
        alert("LiteLLMHighLatency", "warning"),
        alert("LiteLLMHighErrorRate", "critical", service="other"),
        alert("LiteLLMHighErrorRate", "critical", deployment_environment_name="eu"),
    )
    wait_until("three messages", lambda: len(sink.messages) == 3)
    # All went in with one request, so all that was to be sent is sent when the next one is.
    alertmanager.post(alert("LiteLLMHighErrorRate", "critical", service="last"))
    wait_until("the last page", lambda: len(sink.pages) == 4)
    paged = {(page["payload"]["class"], page["payload"]["source"]) for page in sink.pages}
    assert paged == {
        ("LiteLLMDown", "litellm"),
        ("LiteLLMHighErrorRate", "litellm"),
        ("LiteLLMHighErrorRate", "other"),
        ("LiteLLMHighErrorRate", "last"),
    }
    assert {
        page["payload"]["group"]
        for page in sink.pages
        if page["payload"]["class"] == "LiteLLMHighErrorRate"
        and page["payload"]["source"] == "litellm"
    } == {"eu"}
    wait_until("the last message", lambda: len(sink.messages) == 4)
    assert all(message["title"].startswith("[CRITICAL]") for message in sink.messages)


@pytest.mark.parametrize("severity", ["critical", "page", "emergency", ""])
def test_pagerduty_gets_a_severity_it_knows(severity: str, sink: Sink, tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"commonLabels": {"severity": severity}}))
    result = subprocess.run(
        [
            str(binary("amtool")),
            *("template", "render", f"--template.glob={configs.TEMPLATES}/*.tmpl"),
            '--template.text={{ template "litellm.pagerduty.severity" . }}',
            f"--template.data={data}",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    expected = "critical" if severity in {"critical", "page"} else "error"
    assert result.stdout.strip() == expected
    assert expected in PAGERDUTY_SEVERITIES
