"""Anthropic messages answered by LiteLLM's native library: a process of its own, since a variable decides it.

``LITELLM_RUST=1 python -m tests.component.calls.native <provider>`` prints what was recorded as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any

from tests.component.calls.recorded import Recorded

Facts = dict[str, Any]


async def facts_of(recorded: Recorded, url: str, model: str, *, stream: bool) -> Facts:
    import litellm

    recorded.clear()
    given: Facts = {"model": f"anthropic/{model}", "api_base": url, "api_key": "sk-ant-native-01"}
    answered = ""
    with suppress(litellm.InternalServerError):
        answer: Any = await litellm.anthropic_messages(
            messages=[{"role": "user", "content": "hi"}], max_tokens=5, stream=stream, **given
        )
        answered = f"{type(answer).__module__}.{type(answer).__qualname__}"
        if stream:
            async for _ in answer:
                pass
    await asyncio.to_thread(recorded.settle)
    return {
        "answered": answered,
        "spans": [
            {"name": span.name, "kind": span.kind.name, **dict(span.attributes or {})}
            for span in recorded.spans()
        ],
        "counts": [
            [dict(labels), count]
            for labels, count in recorded.increments("litellm.requests").items()
        ],
        "records": len(recorded.requests()),
    }


def main(url: str) -> None:
    recorded = Recorded()
    recorded.start()

    async def run() -> list[Facts]:
        good, bad = "claude-sonnet-4-5", "claude-sonnet-4-5@server-error"
        return [
            await facts_of(recorded, url, good, stream=False),
            await facts_of(recorded, url, good, stream=True),
            await facts_of(recorded, url, bad, stream=False),
        ]

    sys.stdout.write(json.dumps(asyncio.run(run())))


if __name__ == "__main__":
    main(sys.argv[1])
