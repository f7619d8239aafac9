"""Routes that answer in words, or in numbers for them."""

from __future__ import annotations

from tests.component.matrix.route import CONTENTS, MESSAGES, PROMPT, Route, both

TEXT = (
    *both(
        Route(
            id="chat",
            kind="chat",
            path="/v1/chat/completions",
            attempt="chat gpt-4o",
            group="chat",
            cached=True,
            body={"messages": MESSAGES},
        )
    ),
    *both(
        Route(
            id="text completion",
            kind="text completion",
            path="/v1/completions",
            attempt="text_completion gpt-3.5-turbo-instruct",
            cached=True,
            provider="text-completion-openai",
            group="text",
            body={"prompt": PROMPT},
        )
    ),
    Route(
        id="embeddings",
        kind="embeddings",
        path="/v1/embeddings",
        attempt="embeddings text-embedding-3-small",
        group="vectors",
        body={"input": [PROMPT]},
    ),
    *both(
        Route(
            id="responses",
            kind="responses",
            path="/v1/responses",
            attempt="chat gpt-4o",
            group="chat",
            cached=True,
            body={"input": PROMPT},
        )
    ),
    Route(
        id="response",
        kind="stored responses",
        method="GET",
        path="/v1/responses/{response}",
        server="/v1/responses/{response_id}",
        attempt="fetch_response gpt-4o",
        called="chat",
    ),
    Route(
        id="response cancelled",
        kind="stored responses",
        path="/v1/responses/{response}/cancel",
        server="/v1/responses/{response_id}/cancel",
        attempt="cancel_responses gpt-4o",
        called="chat",
    ),
    Route(
        id="response deleted",
        kind="stored responses",
        method="DELETE",
        path="/v1/responses/{response}",
        server="/v1/responses/{response_id}",
        attempt="delete_responses gpt-4o",
        called="chat",
    ),
    Route(
        id="response's input",
        kind="stored responses",
        method="GET",
        path="/v1/responses/{response}/input_items",
        server="/v1/responses/{response_id}/input_items",
        attempt="list_input_items gpt-4o",
        called="chat",
    ),
    *both(
        Route(
            id="messages",
            kind="Anthropic messages",
            path="/v1/messages",
            attempt="chat claude-sonnet-4-5",
            provider="anthropic",
            group="claude",
            cached=True,
            body={"messages": MESSAGES, "max_tokens": 8},
        )
    ),
    Route(
        id="generateContent",
        kind="Google generate-content",
        path="/v1beta/models/{group}:generateContent",
        server="/v1beta/models/{model_name:path}:generateContent",
        attempt="generate_content gemini-2.5-flash",
        provider="gemini",
        group="google",
        body={"contents": CONTENTS},
    ),
    Route(
        id="streamGenerateContent",
        kind="Google generate-content",
        path="/v1beta/models/{group}:streamGenerateContent",
        server="/v1beta/models/{model_name:path}:streamGenerateContent",
        attempt="generate_content gemini-2.5-flash",
        provider="gemini",
        group="google",
        body={"contents": CONTENTS},
        stream=True,
        asks_for_stream=False,
    ),
    *both(
        Route(
            id="interaction",
            kind="interactions",
            path="/v1beta/interactions",
            attempt="chat gemini-2.5-flash",
            provider="gemini",
            group="google",
            body={"input": PROMPT},
        )
    ),
)
