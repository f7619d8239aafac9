"""Calls that look after what providers keep: files, batches, vector stores, containers and their like."""

from __future__ import annotations

from stack.standins.endpoint import DEFAULT_LENGTH
from tests.component.calls.case import BOTH, BY_PROVIDER, GOOGLE, SECRET, Case, answer, of_module

_RESPONSE = {"response_id": "resp_1"}
_TIER = {"openai.response.service_tier": "default"}

RESPONSES = (
    Case(
        module="responses.main",
        function="get_responses",
        kind="stored responses",
        arguments=_RESPONSE,
        usage={
            "input_tokens": 1,
            "output_tokens": DEFAULT_LENGTH,
            "cache_read_input_tokens": 0,
            "reasoning_output_tokens": 0,
        },
        told={
            **answer(str, model="gpt-4o", status="completed"),
            **_TIER,
            "gen_ai.response.finish_reasons": ("stop",),
        },
        **BY_PROVIDER,
    ),
    *of_module(
        "responses.main",
        "stored responses",
        {
            "list_input_items": (_RESPONSE, {}),
            "cancel_responses": (
                _RESPONSE,
                {
                    **answer("resp_1", model="gpt-4o", status="cancelled"),
                    **_TIER,
                    "gen_ai.response.finish_reasons": ("error",),
                },
            ),
            "delete_responses": (_RESPONSE, answer("resp_1")),
        },
        **BY_PROVIDER,
    ),
)

_INTERACTION = {"interaction_id": "v1_1"}
_AGENT = {"name": "agent-1"}

INTERACTIONS = (
    Case(
        module="interactions.main",
        function="get",
        kind="stored interactions",
        arguments=_INTERACTION,
        usage={
            "input_tokens": 1,
            "output_tokens": DEFAULT_LENGTH,
            "cache_read_input_tokens": 0,
            "reasoning_output_tokens": 0,
        },
        told=answer("v1_1", model="gemini-2.5-flash", status="completed"),
        **BY_PROVIDER,
        **GOOGLE,
    ),
    *of_module(
        "interactions.main",
        "stored interactions",
        {
            "delete": (_INTERACTION, answer("v1_1")),
            "cancel": (
                _INTERACTION,
                answer("v1_1", model="gemini-2.5-flash", status="cancelled"),
            ),
        },
        **BY_PROVIDER,
        **GOOGLE,
    ),
    *of_module(
        "interactions.agents.main",
        "agents",
        {
            "create": ({**_AGENT, "base_agent": "b", "instructions": SECRET}, answer("agent-1")),
            "list": ({}, {}),
            "get": (_AGENT, answer("agent-1")),
            "delete": (_AGENT, {}),
            "list_versions": (_AGENT, {}),
        },
        routed=(),  # without a deployment
        **BY_PROVIDER,
        **GOOGLE,
    ),
)

_FILE = {"file_id": "file-1"}
_BATCH = {"completion_window": "24h", "endpoint": "/v1/completions", "input_file_id": "file-1"}
_JOB = {"fine_tuning_job_id": "ftjob-1"}

FILES_AND_JOBS = (
    *of_module(
        "files.main",
        "files",
        {
            "create_file": (
                {"file": ("a.jsonl", b"{}\n"), "purpose": "batch"},
                answer(str, status="processed"),
            ),
            "file_delete": (_FILE, answer("file-1")),
            "file_list": ({}, {}),
            "file_content": (_FILE, {}),
        },
        **BY_PROVIDER,
    ),
    Case(
        module="files.main",
        function="file_content",
        kind="files",
        arguments=_FILE,
        stream=True,
        routed=(),
        **BY_PROVIDER,
    ),
    *of_module(
        "files.main",
        "files",
        {"file_retrieve": (_FILE, answer("file-1", status="processed"))},
        routed=(),
        **BY_PROVIDER,
    ),
    *of_module(
        "batches.main",
        "batches",
        {
            "create_batch": (_BATCH, answer(str, status="validating")),
        },
        **BY_PROVIDER,
    ),
    *of_module(
        "batches.main",
        "batches",
        {"cancel_batch": ({"batch_id": "batch_1"}, answer("batch_1", status="cancelling"))},
        decorated=False,
        **BY_PROVIDER,
    ),
    *of_module(
        "fine_tuning.main",
        "fine-tuning",
        {"list_fine_tuning_jobs": ({}, {})},
        decorated=False,
        **BY_PROVIDER,
    ),
    *of_module(
        "batches.main",
        "batches",
        {
            "retrieve_batch": ({"batch_id": "batch_1"}, answer("batch_1", status="validating")),
            "list_batches": ({}, {}),
        },
        handed_on=("async",),  # to all deployments there are
        **BY_PROVIDER,
    ),
    *of_module(
        "fine_tuning.main",
        "fine-tuning",
        {
            "create_fine_tuning_job": (
                {"model": "gpt-4o-mini", "training_file": "file-1"},
                answer(str, model=str, status="queued"),
            ),
            "retrieve_fine_tuning_job": (
                _JOB,
                answer("ftjob-1", model="gpt-4o-mini", status="queued"),
            ),
            "cancel_fine_tuning_job": (
                _JOB,
                answer("ftjob-1", model="gpt-4o-mini", status="cancelled"),
            ),
        },
        **BY_PROVIDER,
    ),
)

_STORE = {"vector_store_id": "vs_1"}
_STORE_FILE = {**_STORE, **_FILE}

VECTOR_STORES = (
    Case(
        module="vector_stores.main",
        function="search",
        routed=BOTH,
        kind="vector store search",
        arguments={**_STORE, "query": SECRET, "max_num_results": 3},
        quantity=1,
        **BY_PROVIDER,
    ),
    Case(
        module="vector_stores.main",
        function="create",
        routed=BOTH,
        handed_on=("async",),
        kind="vector stores",
        arguments={"name": "v"},
        told=answer(str, status="completed"),
        **BY_PROVIDER,
    ),
    *of_module(
        "vector_stores.main",
        "vector stores",
        {
            "retrieve": (_STORE, answer("vs_1", status="completed")),
            "list": ({}, {}),
            "update": ({**_STORE, "name": "w"}, answer("vs_1", status="completed")),
            "delete": (_STORE, answer("vs_1")),
        },
        routed=BOTH,
        **BY_PROVIDER,
    ),
    *of_module(
        "vector_store_files.main",
        "vector store files",
        {
            "create": (_STORE_FILE, answer("file-1", status="completed")),
            "list": (_STORE, {}),
            "retrieve": (_STORE_FILE, answer("file-1", status="completed")),
            "retrieve_content": (_STORE_FILE, {}),
            "update": (
                {**_STORE_FILE, "attributes": {"a": "b"}},
                answer("file-1", status="completed"),
            ),
            "delete": (_STORE_FILE, answer("file-1")),
        },
        **BY_PROVIDER,
    ),
)

_CONTAINER = {"container_id": "cntr_1"}
_CONTAINER_FILE = {**_CONTAINER, "file_id": "cfile_1"}
_TWICE_DEFINED = {
    "list_container_files": (_CONTAINER, {}),
    "upload_container_file": (
        {**_CONTAINER, "file": ("a.txt", b"x", "text/plain")},
        answer(str),
    ),
}
"""By hand and from LiteLLM's list of endpoints."""

CONTAINERS = (
    Case(
        module="containers.main",
        function="create_container",
        routed=BOTH,
        kind="container sessions",
        arguments={"name": "c"},
        told=answer(str, status="running"),
        costs=True,
        **BY_PROVIDER,
    ),
    *of_module(
        "containers.main",
        "containers",
        {
            "list_containers": ({}, {}),
            # A Router puts the deployment into the id.
            "retrieve_container": (_CONTAINER, answer(str, status="running")),
            "delete_container": (_CONTAINER, answer(str)),
        },
        routed=BOTH,
        **BY_PROVIDER,
    ),
    *of_module("containers.main", "containers", _TWICE_DEFINED, **BY_PROVIDER),
    *of_module(
        "containers.endpoint_factory",
        "containers",
        {
            **_TWICE_DEFINED,
            "retrieve_container_file": (_CONTAINER_FILE, answer("cfile_1")),
            "delete_container_file": (_CONTAINER_FILE, answer("cfile_1")),
            "retrieve_container_file_content": (_CONTAINER_FILE, {}),
        },
        **BY_PROVIDER,
    ),
)

_SKILL = {"skill_id": "skill_1"}
_EVAL = {"eval_id": "eval_1"}
_RUN = {**_EVAL, "run_id": "evalrun_1"}
_QUEUED = {"model": "gpt-4o", "status": "queued"}

SKILLS_AND_EVALS = (
    *of_module(
        "skills.main",
        "skills",
        {
            "create_skill": (
                {"display_title": "t", "files": [("s/SKILL.md", b"---", "text/markdown")]},
                answer(str),
            ),
            "list_skills": ({}, {}),
            "get_skill": (_SKILL, answer("skill_1")),
            "delete_skill": (_SKILL, answer("skill_1")),
        },
        provider="anthropic",
        version="",
        **BY_PROVIDER,
    ),
    *of_module(
        "evals.main",
        "evals",
        {
            "create_eval": (
                {
                    "data_source_config": {"type": "custom", "item_schema": {}},
                    "testing_criteria": [{"type": "string_check"}],
                },
                answer(str),
            ),
            "list_evals": ({}, {}),
            "get_eval": (_EVAL, answer("eval_1")),
            "update_eval": ({**_EVAL, "name": "e"}, answer("eval_1")),
            "delete_eval": (_EVAL, {}),
            "cancel_eval": (_EVAL, answer("eval_1", status="cancelled")),
            "create_run": ({**_EVAL, "data_source": {"type": "jsonl"}}, answer(str, **_QUEUED)),
            "list_runs": (_EVAL, {}),
            "get_run": (_RUN, answer("evalrun_1", **_QUEUED)),
            "cancel_run": (_RUN, answer("evalrun_1", status="cancelled")),
            "delete_run": (_RUN, {}),
        },
        routed=(),
        version="",
        **BY_PROVIDER,
    ),
)

STORED = (
    *RESPONSES,
    *INTERACTIONS,
    *FILES_AND_JOBS,
    *VECTOR_STORES,
    *CONTAINERS,
    *SKILLS_AND_EVALS,
)
