"""The table of LiteLLM's call kinds: what each entry point is, what is read of it, and how it is billed.

Instrumentation, docs and tests walk `CALL_KINDS`. An entry point that is not in it gets a generic span
named after the function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from litellm_otel.reading import parameters as read
from litellm_otel.reading import quantities
from litellm_otel.reading.parameters import Reader
from litellm_otel.reading.quantities import Quantity


@dataclass(frozen=True, slots=True)
class CallKind:
    """One kind of call."""

    name: str
    operations: Mapping[str, str]
    """LiteLLM's function → ``gen_ai.operation.name``: the conventions' value where there is one.

    Functions are named without the ``a`` of their asynchronous twins, and with their package
    (``vector_stores:search``) where the name alone says too little.
    """
    target: str = "model"
    """The argument, or the field of one, that ends the span's name: what is called."""
    provider: str = "custom_llm_provider"
    """The argument that names the provider; after dots, what in it does."""
    served_by: str = ""
    """Who is called where no argument names a provider."""
    content: tuple[str, ...] = ()
    """Arguments that carry what the user wrote."""
    parameters: tuple[Reader, ...] = ()
    """Arguments that are kept, as `litellm_otel.model.Parameters`."""
    unit: str = ""
    """What is billed besides tokens, or instead: image, second, character, page, search; "" if nothing is."""
    quantity: Quantity | None = None
    """How many of the unit a call used."""
    billed: bool = True
    """False for calls that cost nothing: they look after files, jobs and the like."""
    composite: bool = False
    """True where it is made of calls of other kinds, which are told apart within it."""
    streams: bool = False
    """Whether it can answer with a stream."""
    session: bool = False
    """Whether a call lasts as long as its client stays connected, and is accounted for before it ends."""
    output_type: str = ""
    """``gen_ai.output.type``, where the kind decides it."""


def _own(*functions: str) -> dict[str, str]:
    """Each function is an operation of its own, named as LiteLLM names it."""
    return {name: name for name in functions}


_CHAT = (
    *read.SAMPLING,
    read.integer("max_completion_tokens", "max_tokens"),
    read.integer("max_tokens", "max_tokens"),
    read.integer("n", "choice_count"),
    read.texts("stop", "stop_sequences"),
    read.effort("reasoning_effort"),
    read.output_format("response_format"),
    read.text("service_tier", "service_tier"),
)
_IMAGE = (
    read.integer("n", "choice_count"),
    read.text("size", "size"),
    read.text("quality", "quality"),
)

CALL_KINDS: tuple[CallKind, ...] = (
    CallKind("chat", {"completion": "chat"}, content=("messages",), parameters=_CHAT, streams=True),
    CallKind(
        "text completion",
        {"text_completion": "text_completion"},
        content=("prompt", "suffix"),
        parameters=_CHAT,
        streams=True,
    ),
    CallKind(
        "embeddings",
        {"embedding": "embeddings"},
        content=("input",),
        parameters=(
            read.integer("dimensions", "dimension_count"),
            read.texts("encoding_format", "encoding_formats"),
        ),
    ),
    CallKind(
        "responses",
        {"responses": "chat", "compact_responses": "chat"},
        content=("input", "instructions"),
        parameters=(
            *read.SAMPLING,
            read.integer("max_output_tokens", "max_tokens"),
            read.effort("reasoning"),
            read.output_format("text"),
            read.text("previous_response_id", "previous_response_id"),
            read.text("service_tier", "service_tier"),
        ),
        streams=True,
    ),
    CallKind(
        "stored responses",
        {
            "get_responses": "fetch_response",
            **_own("list_input_items", "cancel_responses", "delete_responses"),
        },
        billed=False,
        streams=True,
    ),
    CallKind(
        "Anthropic messages",
        {"anthropic_messages": "chat"},
        content=("messages", "system"),
        parameters=(
            *read.SAMPLING,
            read.integer("max_tokens", "max_tokens"),
            read.texts("stop_sequences", "stop_sequences"),
            read.effort("output_config"),
            read.text("service_tier", "service_tier"),
        ),
        streams=True,
    ),
    CallKind(
        "Google generate-content",
        {"generate_content": "generate_content", "generate_content_stream": "generate_content"},
        content=("contents", "systemInstruction", "system_instruction"),
        parameters=read.inside(
            ("config", "generationConfig"),
            *read.SAMPLING,
            read.integer("topK", "top_k"),
            read.number("topP", "top_p"),
            read.integer("max_output_tokens", "max_tokens"),
            read.integer("maxOutputTokens", "max_tokens"),
            read.integer("candidate_count", "choice_count"),
            read.integer("candidateCount", "choice_count"),
            read.texts("stop_sequences", "stop_sequences"),
            read.texts("stopSequences", "stop_sequences"),
        ),
        streams=True,
    ),
    CallKind(
        "interactions",
        {"interactions:create": "chat"},
        content=("input", "system_instruction"),
        streams=True,
    ),
    CallKind(
        "stored interactions",
        {
            "interactions:get": "fetch_response",
            "interactions:delete": "delete_interaction",
            "interactions:cancel": "cancel_interaction",
        },
        billed=False,
        streams=True,
    ),
    CallKind(
        "agents",
        {
            "interactions.agents:create": "create_agent",
            "interactions.agents:list": "list_agents",
            "interactions.agents:get": "get_agent",
            "interactions.agents:delete": "delete_agent",
            "interactions.agents:list_versions": "list_agent_versions",
        },
        target="name",
        content=("instructions",),
        billed=False,
    ),
    CallKind(
        "image generation",
        {"image_generation": "image_generation"},
        content=("prompt",),
        parameters=_IMAGE,
        unit="image",
        quantity=quantities.images,
        output_type="image",
    ),
    CallKind(
        "image edit",
        {"image_edit": "image_edit", "image_variation": "image_variation"},
        content=("prompt",),
        parameters=_IMAGE,
        unit="image",
        quantity=quantities.images,
        streams=True,
        output_type="image",
    ),
    CallKind(
        "transcription",
        {"transcription": "transcription"},
        content=("prompt",),
        parameters=(read.number("temperature", "temperature"), read.text("language", "language")),
        unit="second",
        quantity=quantities.seconds_heard,
        output_type="text",
    ),
    CallKind(
        "speech",
        {"speech": "speech"},
        content=("input", "instructions"),
        parameters=(read.text("voice", "voice"),),
        unit="character",
        quantity=quantities.characters,
        output_type="speech",
    ),
    CallKind(
        "rerank",
        {"rerank": "rerank"},
        content=("query", "documents"),
        parameters=(read.integer("top_n", "retrieval_top_k"),),
        unit="search",
        quantity=quantities.search_units,
    ),
    CallKind("moderation", {"moderation": "moderation"}, content=("input",)),
    CallKind(
        "search",
        {"search:search": "search"},
        target="search_provider",
        provider="search_provider",
        content=("query",),
        parameters=(read.integer("max_results", "retrieval_top_k"),),
        unit="search",
        quantity=quantities.queries,
    ),
    CallKind(
        "OCR",
        {"ocr": "ocr"},
        content=("document",),
        unit="page",
        quantity=quantities.pages,
        output_type="text",
    ),
    CallKind(
        "video",
        _own("video_generation", "video_remix", "video_edit", "video_extension"),
        content=("prompt",),
        parameters=(read.text("size", "size"),),
        unit="second",
        quantity=quantities.seconds_made,
        output_type="video",
    ),
    CallKind(
        "videos",
        _own(
            "video_content",
            "video_list",
            "video_status",
            "video_create_character",
            "video_get_character",
        ),
        billed=False,
    ),
    CallKind(
        "vector store search",
        {"vector_stores:search": "retrieval"},
        target="vector_store_id",
        served_by="openai",
        content=("query",),
        parameters=(
            read.text("vector_store_id", "data_source_id"),
            read.integer("max_num_results", "retrieval_top_k"),
        ),
        unit="search",
        quantity=quantities.queries,
    ),
    CallKind(
        "vector stores",
        {
            "vector_stores:create": "create_vector_store",
            "vector_stores:retrieve": "retrieve_vector_store",
            "vector_stores:list": "list_vector_stores",
            "vector_stores:update": "update_vector_store",
            "vector_stores:delete": "delete_vector_store",
        },
        target="",
        served_by="openai",
        parameters=(read.text("vector_store_id", "data_source_id"),),
        billed=False,
    ),
    CallKind(
        "vector store files",
        {
            "vector_store_files:create": "create_vector_store_file",
            "vector_store_files:list": "list_vector_store_files",
            "vector_store_files:retrieve": "retrieve_vector_store_file",
            "vector_store_files:retrieve_content": "retrieve_vector_store_file_content",
            "vector_store_files:update": "update_vector_store_file",
            "vector_store_files:delete": "delete_vector_store_file",
        },
        target="",
        parameters=(read.text("vector_store_id", "data_source_id"),),
        billed=False,
    ),
    CallKind(
        "retrieval-augmented generation",
        {"rag:query": "invoke_workflow"},
        content=("messages",),
        streams=True,
        composite=True,
    ),
    CallKind(
        "ingestion for retrieval",
        {"rag:ingest": "rag_ingest"},
        target="",
        provider="ingest_options.vector_store.custom_llm_provider",
    ),
    CallKind(
        "decisions",
        _own("decisions", "systemone"),
        content=("input", "questions", "state"),
    ),
    CallKind(
        "files",
        _own("create_file", "file_retrieve", "file_delete", "file_list", "file_content"),
        target="",
        billed=False,
    ),
    CallKind(
        "batches",
        _own("create_batch", "retrieve_batch", "list_batches", "cancel_batch"),
        target="",
        billed=False,
    ),
    CallKind(
        "fine-tuning",
        _own(
            "create_fine_tuning_job",
            "cancel_fine_tuning_job",
            "list_fine_tuning_jobs",
            "retrieve_fine_tuning_job",
        ),
        billed=False,
    ),
    CallKind("container sessions", {"create_container": "create_container"}, target=""),
    CallKind(
        "containers",
        _own(
            "list_containers",
            "retrieve_container",
            "delete_container",
            "list_container_files",
            "upload_container_file",
            "retrieve_container_file",
            "retrieve_container_file_content",
            "delete_container_file",
        ),
        target="",
        billed=False,
    ),
    CallKind(
        "code sandbox",
        _own("create_sandbox", "run_code", "delete_sandbox", "code_interpreter_tool"),
        target="provider",
        provider="provider",
        content=("code",),
        billed=False,
    ),
    CallKind(
        "skills",
        _own("create_skill", "list_skills", "get_skill", "delete_skill"),
        target="",
        billed=False,
    ),
    CallKind(
        "evals",
        _own(
            *("create_eval", "list_evals", "get_eval", "update_eval", "delete_eval", "cancel_eval"),
            *("create_run", "list_runs", "get_run", "cancel_run", "delete_run"),
        ),
        target="",
        billed=False,
    ),
    CallKind(
        "realtime",
        {"realtime": "realtime"},
        streams=True,
        session=True,
    ),
    CallKind(
        "realtime sessions",
        _own(
            *("create_realtime_client_secret", "create_realtime_transcription_session"),
            "realtime_calls",
        ),
        billed=False,
    ),
    CallKind("Responses websocket", {"responses_websocket": "chat"}, streams=True, session=True),
    CallKind(
        "MCP tool",
        {"call_mcp_tool": "execute_tool"},
        target="name",
        served_by="mcp",
        content=("arguments",),
        parameters=(read.text("name", "tool_name"),),
        unit="call",
        quantity=quantities.one,
    ),
    CallKind(
        "A2A message",
        {
            "a2a_protocol:send_message": "invoke_agent",
            "a2a_protocol:send_message_streaming": "invoke_agent",
        },
        target="a2a_client._litellm_agent_card.name",
        served_by="a2a_agent",
        content=("request",),
        streams=True,
    ),
    CallKind(
        "assistants",
        {
            "create_assistants": "create_agent",
            "run_thread": "invoke_agent",
            "run_thread_stream": "invoke_agent",
            **_own(
                *("get_assistants", "delete_assistant", "create_thread", "get_thread"),
                *("add_message", "get_messages"),
            ),
        },
        target="",
        content=("instructions", "messages", "content", "additional_instructions"),
        streams=True,
    ),
    CallKind(
        "pass-through",
        {"llm_passthrough_route": "pass_through", "pass_through_request": "pass_through"},
        content=("json", "data", "content"),
        streams=True,
    ),
)
