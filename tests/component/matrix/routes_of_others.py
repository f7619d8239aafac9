"""Routes that hand a request on as it came, and those to tools and agents."""

from __future__ import annotations

from tests.component.matrix.route import CONTENTS, MESSAGES, PROMPT, Route, both

_CLAUDE = {"model": "claude-sonnet-4-5", "messages": MESSAGES, "max_tokens": 8}
_GPT = {"model": "gpt-4o", "messages": MESSAGES}
PASSED = (
    *both(
        Route(
            id="passed to OpenAI",
            kind="pass-through",
            path="/openai/v1/chat/completions",
            server="/openai/{endpoint:path}",
            attempt="chat gpt-4o",
            body=_GPT,
            label="gpt-4o",
            claimed=True,
        )
    ),
    *both(
        Route(
            id="passed to Anthropic",
            kind="pass-through",
            path="/anthropic/v1/messages",
            server="/anthropic/{endpoint:path}",
            attempt="chat claude-sonnet-4-5",
            provider="anthropic",
            body=_CLAUDE,
            label="claude-sonnet-4-5",
            claimed=True,
            headers={"anthropic-version": "2023-06-01"},
        )
    ),
    Route(
        id="passed to Google",
        kind="pass-through",
        path="/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        server="/gemini/{endpoint:path}",
        label="gemini-2.5-flash",
        claimed=True,
        attempt="generate_content gemini-2.5-flash",
        provider="gemini",
        body={"contents": CONTENTS},
    ),
    Route(
        id="passed to Google, streamed",
        kind="pass-through",
        path="/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        query={"alt": "sse"},
        server="/gemini/{endpoint:path}",
        label="gemini-2.5-flash",
        claimed=True,
        attempt="generate_content gemini-2.5-flash",
        provider="gemini",
        body={"contents": CONTENTS},
        stream=True,
        asks_for_stream=False,
    ),
    *both(
        Route(
            id="passed to Azure",
            kind="pass-through",
            path="/azure/openai/deployments/{group}/chat/completions",
            query={"api-version": "2024-10-21"},
            server="/azure/{endpoint:path}",
            attempt="pass_through gpt-4o",
            provider="azure",
            group="hosted",
            body={"messages": MESSAGES},
        )
    ),
    *both(
        Route(
            id="passed on as configured",
            kind="pass-through",
            path="/weather",
            attempt="chat gpt-4o",
            label="gpt-4o",
            claimed=True,
            provider="pass_through",
            body=_GPT,
        )
    ),
)

OTHERS = (
    Route(
        id="tool",
        kind="MCP tool",
        path="/mcp-rest/tools/call",
        attempt="execute_tool add",
        provider="mcp",
        body={"name": "add", "arguments": {"first": 1, "second": 2}, "server_id": "{calc}"},
    ),
    *(
        Route(
            id=f"agent{', streamed' if stream else ''}",
            kind="A2A message",
            path="/a2a/helper",
            server="/a2a/{agent_id}",
            attempt="invoke_agent helper",
            provider="a2a_agent",
            label="a2a_agent/helper",
            body={
                "jsonrpc": "2.0",
                "id": "1",
                "method": f"message/{'stream' if stream else 'send'}",
                "params": {
                    "message": {
                        "role": "user",
                        "parts": [{"kind": "text", "text": PROMPT}],
                        "messageId": "m",
                    }
                },
            },
            stream=stream,
            asks_for_stream=False,
        )
        for stream in (False, True)
    ),
)
