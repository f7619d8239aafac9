"""Routes that look after what providers keep."""

from __future__ import annotations

from typing import Any

from tests.component.matrix.route import PROMPT, Route, both

_LINES = (
    "lines.jsonl",
    b'{"custom_id": "1", "method": "POST", "url": "/v1/completions", "body": {"model": "gpt-4o"}}\n',
    "application/jsonl",
)

_BATCH = {"completion_window": "24h", "endpoint": "/v1/completions", "input_file_id": "file-1"}


def _stored(
    id: str, kind: str, method: str, path: str, attempt: str, server: str = "", **more: Any
) -> Route:
    return Route(id=id, kind=kind, method=method, path=path, attempt=attempt, server=server, **more)


_FILE = "/v1/files/{file_id:path}"
_STORE = "/v1/vector_stores/{vector_store_id}"
_JOB = "/v1/fine_tuning/jobs/{fine_tuning_job_id:path}"
_THREAD = "/v1/threads/{thread_id}"
_CONTAINER = "/v1/containers/{container_id}"
_OPENAI = {"custom_llm_provider": "openai"}
STORED = (
    _stored(
        "file stored",
        "files",
        "POST",
        "/v1/files",
        "create_file",
        form={"purpose": "batch"},
        files={"file": _LINES},
    ),
    _stored("files", "files", "GET", "/v1/files", "file_list"),
    _stored("file", "files", "GET", "/v1/files/file-1", "file_retrieve", _FILE),
    _stored("file deleted", "files", "DELETE", "/v1/files/file-1", "file_delete", _FILE),
    _stored(
        "file's content",
        "files",
        "GET",
        "/v1/files/file-1/content",
        "file_content",
        "/v1/files/{file_id:path}/content",
    ),
    _stored("batch made", "batches", "POST", "/v1/batches", "create_batch", body=_BATCH),
    _stored(
        "batch",
        "batches",
        "GET",
        "/v1/batches/batch_1",
        "retrieve_batch",
        "/v1/batches/{batch_id:path}",
    ),
    _stored("batches", "batches", "GET", "/v1/batches", "list_batches"),
    _stored(
        "batch cancelled",
        "batches",
        "POST",
        "/v1/batches/batch_1/cancel",
        "cancel_batch",
        "/v1/batches/{batch_id:path}/cancel",
    ),
    _stored(
        "job made",
        "fine-tuning",
        "POST",
        "/v1/fine_tuning/jobs",
        "create_fine_tuning_job",
        body={"model": "gpt-4o-mini", "training_file": "file-1", **_OPENAI},
        licensed=True,
    ),
    _stored(
        "jobs",
        "fine-tuning",
        "GET",
        "/v1/fine_tuning/jobs",
        "list_fine_tuning_jobs",
        query=_OPENAI,
        licensed=True,
    ),
    _stored(
        "job",
        "fine-tuning",
        "GET",
        "/v1/fine_tuning/jobs/ftjob-1",
        "retrieve_fine_tuning_job",
        _JOB,
        query=_OPENAI,
        licensed=True,
        admin=True,
    ),
    _stored(
        "job cancelled",
        "fine-tuning",
        "POST",
        "/v1/fine_tuning/jobs/ftjob-1/cancel",
        "cancel_fine_tuning_job",
        f"{_JOB}/cancel",
        query=_OPENAI,
        licensed=True,
    ),
    _stored(
        "store made",
        "vector stores",
        "POST",
        "/v1/vector_stores",
        "create_vector_store",
        body={"name": "s"},
    ),
    _stored(
        "store", "vector stores", "GET", "/v1/vector_stores/vs_1", "retrieve_vector_store", _STORE
    ),
    _stored(
        "store searched",
        "vector store search",
        "POST",
        "/v1/vector_stores/vs_1/search",
        "retrieval vs_1",
        "/v1/vector_stores/{vector_store_id:path}/search",
        body={"query": PROMPT},
    ),
    _stored(
        "store's file",
        "vector store files",
        "POST",
        "/v1/vector_stores/vs_1/files",
        "create_vector_store_file",
        f"{_STORE}/files",
        body={"file_id": "file-1"},
    ),
    _stored(
        "store's text",
        "vector store files",
        "GET",
        "/v1/vector_stores/vs_1/files/file-1/content",
        "retrieve_vector_store_file_content",
        f"{_STORE}/files/{{file_id}}/content",
    ),
    _stored(
        "container made",
        "container sessions",
        "POST",
        "/v1/containers",
        "create_container",
        body={"name": "c"},
    ),
    _stored("containers", "containers", "GET", "/v1/containers", "list_containers"),
    _stored(
        "container",
        "containers",
        "GET",
        "/v1/containers/{container}",
        "retrieve_container",
        _CONTAINER,
        admin=True,
    ),
    _stored(
        "eval made",
        "evals",
        "POST",
        "/v1/evals",
        "create_eval",
        group="grader",
        routed=False,
        label="openai/gpt-4o",
        body={"data_source_config": {"type": "custom"}, "testing_criteria": [{}]},
        admin=True,
    ),
    _stored(
        "evals",
        "evals",
        "GET",
        "/v1/evals",
        "list_evals",
        group="grader",
        routed=False,
        label="openai/gpt-4o",
        query={"model": "{group}"},
        admin=True,
    ),
    _stored("skills", "skills", "GET", "/v1/skills", "list_skills", provider="anthropic"),
    _stored(
        "skill",
        "skills",
        "GET",
        "/v1/skills/skill_1",
        "get_skill",
        "/v1/skills/{skill_id}",
        provider="anthropic",
    ),
    _stored(
        "interaction kept",
        "stored interactions",
        "GET",
        "/v1beta/interactions/v1_1",
        "fetch_response",
        "/v1beta/interactions/{interaction_id}",
        provider="gemini",
    ),
    _stored("assistants", "assistants", "GET", "/v1/assistants", "get_assistants"),
    _stored(
        "assistant made",
        "assistants",
        "POST",
        "/v1/assistants",
        "create_agent",
        body={"model": "gpt-4o"},
        label="gpt-4o",
    ),
    _stored("thread made", "assistants", "POST", "/v1/threads", "create_thread", body={}),
    _stored("thread", "assistants", "GET", "/v1/threads/thread_1", "get_thread", _THREAD),
    _stored(
        "said",
        "assistants",
        "POST",
        "/v1/threads/thread_1/messages",
        "add_message",
        f"{_THREAD}/messages",
        body={"role": "user", "content": PROMPT},
    ),
    *both(
        _stored(
            "run",
            "assistants",
            "POST",
            "/v1/threads/thread_1/runs",
            "invoke_agent",
            f"{_THREAD}/runs",
            body={"assistant_id": "asst_1"},
        )
    ),
)
