"""Programs that call LiteLLM, as users start them, and what left them in a form to compare."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.component.otlp_sink import attributes
from tests.component.programs import run_program

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence

    from tests.component.otlp_sink import Item, Sink

CONTENT = "what-nobody-else-may-read"
CALLS = f"""
import asyncio, os
import litellm
litellm.suppress_debug_info = True
WHERE = {{"api_base": os.environ["PROVIDER"], "api_key": "sk-0123456789"}}
ASKED = {{"model": "openai/gpt-4o-mini", "messages": [{{"role": "user", "content": "{CONTENT}"}}]}}
def whole():
    return litellm.completion(**ASKED, **WHERE)
async def calls():
    await litellm.acompletion(**ASKED, **WHERE)
    async for _ in await litellm.acompletion(**ASKED, **WHERE, stream=True):
        pass
    router = litellm.Router(
        model_list=[{{"model_name": "group", "litellm_params": {{"model": "openai/gpt-4o-mini", **WHERE}}}}]
    )
    await router.acompletion(**{{**ASKED, "model": "group"}})
"""
"""``whole()`` is one call, ``await calls()`` three: whole, streamed, and by a Router."""

CHAT = "chat gpt-4o-mini"
HTTPX, AIOHTTP = "opentelemetry.instrumentation.httpx", "litellm_otel.http_client"
OURS = Counter(
    {
        ("litellm_otel", CHAT, None): 2,
        ("litellm_otel", "route group", None): 1,
        ("litellm_otel", CHAT, "route group"): 1,
        (AIOHTTP, "POST", CHAT): 3,
    }
)
"""All that leaves of ``await calls()``, see `tree`."""
OURS_WHOLE = Counter({("litellm_otel", CHAT, None): 1, (HTTPX, "POST", CHAT): 1})
"""All that leaves of ``whole()``."""


def run(
    folder: Path,
    code: str,
    provider_url: str,
    *,
    python: Path | str = sys.executable,
    instrumented: bool = True,
    command: Sequence[str] = (),
    status: int = 0,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """Run `code` to its end, and insist on how it ends."""
    bin_ = Path(python).parent
    way = command or ((str(bin_ / "opentelemetry-instrument"),) if instrumented else ())
    done = run_program(
        folder,
        code,
        command=(*way, str(python)),
        seconds=400,
        PROVIDER=provider_url,
        PATH=f"{bin_}{os.pathsep}{os.environ.get('PATH', '')}",
        **{"LITELLM_OTEL_PROCESS_METRICS": "false", "LITELLM_OTEL_FLUSH_TIMEOUT": "60", **env},
    )
    assert done.returncode == status, done.stderr
    return done


def tree(spans: Iterable[Item]) -> Counter[tuple[str, str, str | None]]:
    """How often there is which span: scope, name, and the name of its parent."""
    spans = list(spans)
    names = {span.data.span_id: span.data.name for span in spans}
    return Counter(
        (
            span.scope,
            span.data.name,
            names.get(span.data.parent_span_id, "elsewhere") if span.data.parent_span_id else None,
        )
        for span in spans
    )


def observations(sink: Sink, name: str) -> Counter[str]:
    """How many values a histogram has taken, for each scope that has it."""
    last: dict[Any, int] = {}
    for metric in sink.metrics:
        if metric.data.name == name:
            for point in metric.data.histogram.data_points:
                about = str(sorted(map(str, attributes(point).items())))
                last[metric.scope, metric.resource["service.instance.id"], about] = point.count
    counts: Counter[str] = Counter()
    for (scope, *_), count in last.items():
        counts[scope] += count
    return counts


def told(text: str) -> list[str]:
    """The lines that are ours."""
    return [line for line in text.splitlines() if "litellm-otel: " in line]


def shape(value: Any) -> Any:
    """A document without what differs from one run to the next."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "number" if isinstance(value, (int, float)) else type(value).__name__
