"""``litellm-otel metrics``: as text that can be piped, for a person who looks for a metric."""

from __future__ import annotations

import pytest

from litellm_otel.catalogue import CATALOGUE, GROUPS
from litellm_otel.cli import main


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["metrics", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_list_has_every_metric_once(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = told(capsys, "list")
    assert (status, err) == (0, "")
    listed = [
        line.split()[0] for line in out.splitlines() if line.endswith(")") and line[2:3] != " "
    ]
    assert listed == [metric.prometheus for metric in CATALOGUE]


def test_list_of_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = told(capsys, "list", "Processes")
    assert "process_cpu_time_seconds_total" in out
    assert "litellm_requests_total" not in out
    status, out, err = told(capsys, "list", "nonsense")
    assert (status, out) == (1, "")
    assert all(group in err for group in GROUPS)


def test_search_wants_all_words_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = told(capsys, "search", "event", "LOOP")
    assert "litellm_event_loop_delay_seconds" in out
    assert "litellm_requests_total" not in out
    status, out, err = told(capsys, "search", "flux-capacitor")
    assert (status, out) == (1, "")
    assert "'flux-capacitor'" in err


@pytest.mark.parametrize(
    "name",
    [
        "litellm_request_latency_seconds",
        "litellm_request_latency_seconds_bucket",
        "litellm.request.latency",
    ],
)
def test_explain_takes_each_name_of_a_metric(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = told(capsys, "explain", name)
    assert status == 0
    for fact in ("litellm_request_latency_seconds_bucket", "litellm.request.latency", "histogram"):
        assert fact in out


@pytest.mark.parametrize("name", ["litellm_spend_metric", "litellm_spend_metric_total"])
def test_explain_tells_labels_and_what_they_mean(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = told(capsys, "explain", name)
    assert "hashed_api_key" in out
    assert "hash of the virtual key" in out
    assert "the sum of all workers" in out


def test_explain_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = told(capsys, "explain", "litellm_request_total")
    assert (status, out) == (1, "")
    assert "'litellm_request_total'" in err
    assert "  litellm_requests_total" in err.splitlines()


def test_a_way_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["metrics"])
    assert ended.value.code == 2
