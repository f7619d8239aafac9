"""Log records: LiteLLM's own lines and the record of each request, with their trace, in Loki."""

from __future__ import annotations

from stack.traffic import Mix, kinds
from stack.waiting import until
from stack.watched import Watched

MIX: Mix = {kinds.WHOLE: 5, kinds.FALLING_BACK: 2, kinds.FAILING: 2, kinds.UNKNOWN_MODEL: 1}


def test_request_records_in_loki(shared: Watched) -> None:
    traffic = shared.send(MIX, traced=True)
    assert not traffic.unexpected()
    sent = {each.trace_id for each in traffic}

    def records() -> dict[str, dict[str, str]]:
        found = {line.trace_id: line.labels for line in shared.arrived.loki_records()}
        return {trace_id: labels for trace_id, labels in found.items() if trace_id in sent}

    until(lambda: len(records()) == len(sent), what="all records in Loki")
    stored = records()
    for exchange in traffic:
        labels = stored[exchange.trace_id]
        assert labels["litellm_status"] == exchange.status
        assert labels["litellm_attempts"] == str(exchange.kind.attempts)
        assert float(labels["litellm_duration"]) > 0
        if exchange.status == "success":
            assert labels["litellm_call_id"] == exchange.call_id
            assert labels["gen_ai_usage_output_tokens"] == str(exchange.completion_tokens)
            assert float(labels["litellm_cost"]) > 0
        if exchange.status == "error":
            assert labels["error_type"] == "InternalServerError"


def test_litellms_own_lines_in_loki(shared: Watched) -> None:
    (exchange,) = shared.send({kinds.FAILING: 1}, traced=True)

    def lines() -> list[str]:
        return [
            line.text
            for line in shared.arrived.loki_lines()
            if line.trace_id == exchange.trace_id and not line.event
        ]

    until(
        lambda: any("InternalServerError" in line for line in lines()),
        what="LiteLLM's error line in Loki",
    )


def test_index_labels_stay_few(shared: Watched) -> None:
    """Everything but a handful of resource attributes is structured metadata."""
    shared.send({kinds.WHOLE: 1})
    until(shared.arrived.loki_lines, what="a line in Loki")
    loki = shared.arrived.backends.loki
    assert loki is not None
    assert set(loki.label_names()) <= {"service_name", "deployment_environment_name"}
