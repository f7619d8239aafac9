"""Records of good requests, as hooks make them in the proxy, and the metrics layer that they go to."""

from __future__ import annotations

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader

from litellm_otel.emit.collection import prepare
from litellm_otel.emit.distributions import distributions_for
from litellm_otel.emit.metrics import Metrics
from litellm_otel.model import Attempt, Call, Identity, Measurement, Outcome, Request, Usage
from litellm_otel.selection import Selection


def metrics_layer(reader: MetricReader, chosen: Selection) -> Metrics:
    """The layer by itself, read by ``reader``, with these metrics on."""
    prepare()
    provider = MeterProvider([reader])
    meter = provider.get_meter("benchmark", "1")
    made = Metrics(meter, distributions_for(meter, provider, "benchmark", "1"), lambda: 1, dict)
    made.select(chosen)
    return made


def record(
    metrics: Metrics, request: Request, attempt: Attempt, told: tuple[Measurement, ...]
) -> None:
    """What the layer is told of one request, from LiteLLM's own numbers to its end."""
    metrics.told.measured(told)
    metrics.attempt_ended(attempt)
    metrics.request_ended(request)


def chat(
    identity: Identity, *, model: str, served: str, deployment: str, group: str | None = None
) -> tuple[Request, Attempt]:
    """A chat completion that was answered.

    ``model``: what was asked for; ``served``: the provider's name of what answered.
    """
    request = Request(model=model, proxied=True, status_code=200, identity=identity)
    call = Call(model=model, request=request, routed=group is not None)
    attempt = Attempt(
        call=call,
        operation="chat",
        call_type="acompletion",
        model=served,
        model_group=group or "",
        provider="openai",
        deployment_id=deployment,
        identity=identity,
        usage=Usage(input_tokens=12, output_tokens=40, total_tokens=52),
        cost=0.5,
    )
    call.last_attempt = attempt
    request.calls.append(call)
    for record in (attempt, request):
        record.outcome = Outcome.COMPLETED
        record.stop_clock()
    return request, attempt
