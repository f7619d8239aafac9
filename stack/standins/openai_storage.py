"""What OpenAI keeps for its users: files, batches, fine-tuning jobs, vector stores, containers, evals.

Nothing is really kept: every id with the right prefix is known, every other is not found.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .endpoint import Asked, Binary, Endpoint, Invalid, Json, Reply
from .openai_api import OPENAI

FILE_CONTENT = b'{"custom_id": "request-1", "response": {"status_code": 200}}\n'


@dataclass(frozen=True)
class Kept:
    """One kind of thing that is kept."""

    path: str
    id_name: str
    prefix: str
    object: str
    about: dict[str, Any] = field(default_factory=dict[str, Any])
    """What else is told of one."""
    required: tuple[str, ...] = ()
    """What creating one needs."""
    form: bool = False
    verbs: tuple[str, ...] = ("create", "list", "get", "update", "delete")
    cancelled: str = "cancelled"
    """The status of one that was cancelled."""

    def endpoints(self) -> Iterator[Endpoint]:
        one = f"{self.path}/{{{self.id_name}}}"
        for verb in self.verbs:
            if verb == "create":
                accepts = "form" if self.form else "json"
                yield Endpoint(
                    OPENAI, "POST", self.path, self._one, accepts, self.required, check=self.known
                )
            elif verb == "list":
                yield Endpoint(OPENAI, "GET", self.path, self._list, "", check=self.known)
            elif verb == "get":
                yield Endpoint(OPENAI, "GET", one, self._one, "", check=self.known)
            elif verb == "update":
                yield Endpoint(OPENAI, "POST", one, self._one, check=self.known)
            elif verb == "delete":
                yield Endpoint(OPENAI, "DELETE", one, self._deleted, "", check=self.known)
            elif verb == "cancel":
                yield Endpoint(
                    OPENAI, "POST", f"{one}/cancel", self._cancelled, "", check=self.known
                )

    def _id(self, asked: Asked) -> str:
        return asked.ids.get(self.id_name) or f"{self.prefix}standin{asked.number:08d}"

    def body(self, identifier: str, given: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in given.items() if value is not None}
        about = {"id": identifier, "object": self.object, "created_at": int(time.time())}
        return {**about, **self.about, **kept}

    def _one(self, asked: Asked) -> Reply:
        given = {**asked.fields, **asked.ids}
        # A vector store takes in a file that has its id already.
        identifier = given.pop(self.id_name, None) or self._id(asked)
        if uploads := asked.files.get("file"):
            given |= {"filename": uploads[0].name, "bytes": len(uploads[0].content)}
        return Json(self.body(identifier, given))

    def _cancelled(self, asked: Asked) -> Reply:
        return Json(self.body(self._id(asked), {**asked.ids, "status": self.cancelled}))

    def _list(self, asked: Asked) -> Reply:
        one = self.body(f"{self.prefix}standin", dict(asked.ids))
        ends = {"first_id": one["id"], "last_id": one["id"], "has_more": False}
        return Json({"object": "list", "data": [one], **ends})

    def _deleted(self, asked: Asked) -> Reply:
        id_name = self.id_name if self.id_name in ("eval_id", "run_id") else "id"
        about = {"object": f"{self.object}.deleted", "deleted": True}
        return Json({id_name: self._id(asked), **about})

    def known(self, asked: Asked) -> Invalid | None:
        for name, prefix in _PREFIXES.items():
            wanted = asked.ids.get(name)
            if wanted is not None and not wanted.startswith(prefix):
                return Invalid(f"No such {name}: '{wanted}'", name, 404)
        wanted = asked.fields.get("training_file") or asked.fields.get("input_file_id")
        if wanted is not None and not str(wanted).startswith("file-"):
            return Invalid(f"invalid file id {wanted}", "training_file")
        return None


_PREFIXES = {
    "file_id": ("file-", "cfile_"),
    "batch_id": "batch_",
    "job_id": "ftjob-",
    "vector_store_id": "vs_",
    "container_id": "cntr_",
    "eval_id": "eval_",
    "run_id": "evalrun_",
}
_COUNTS = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}

FILES = Kept(
    "/v1/files",
    "file_id",
    "file-",
    "file",
    {"bytes": len(FILE_CONTENT), "filename": "standin.jsonl", "purpose": "batch"}
    | {"status": "processed", "expires_at": None},
    required=("file", "purpose"),
    form=True,
    verbs=("create", "list", "get", "delete"),
)
BATCHES = Kept(
    "/v1/batches",
    "batch_id",
    "batch_",
    "batch",
    {"endpoint": "/v1/chat/completions", "input_file_id": "file-standin", "status": "validating"}
    | {"completion_window": "24h", "request_counts": {"total": 1, "completed": 0, "failed": 0}},
    required=("input_file_id", "endpoint", "completion_window"),
    verbs=("create", "list", "get", "cancel"),
    cancelled="cancelling",
)
FINE_TUNING_JOBS = Kept(
    "/v1/fine_tuning/jobs",
    "job_id",
    "ftjob-",
    "fine_tuning.job",
    {"model": "gpt-4o-mini", "training_file": "file-standin", "status": "queued", "seed": 1}
    | {"hyperparameters": {"n_epochs": "auto"}, "organization_id": "org-standin"}
    | {"result_files": [], "trained_tokens": None, "validation_file": None, "error": None}
    | {"fine_tuned_model": None, "finished_at": None},
    required=("model", "training_file"),
    verbs=("create", "list", "get", "cancel"),
)
VECTOR_STORES = Kept(
    "/v1/vector_stores",
    "vector_store_id",
    "vs_",
    "vector_store",
    {"name": "standin", "status": "completed", "usage_bytes": 0, "file_counts": _COUNTS}
    | {"metadata": {}, "last_active_at": 1, "bytes": 0},
)
VECTOR_STORE_FILES = Kept(
    "/v1/vector_stores/{vector_store_id}/files",
    "file_id",
    "file-",
    "vector_store.file",
    {"usage_bytes": 1, "status": "completed", "last_error": None, "attributes": {}},
    required=("file_id",),
)
CONTAINERS = Kept(
    "/v1/containers",
    "container_id",
    "cntr_",
    "container",
    {"name": "standin", "status": "running", "last_active_at": 1}
    | {"expires_after": {"anchor": "last_active_at", "minutes": 20}},
    required=("name",),
    verbs=("create", "list", "get", "delete"),
)
CONTAINER_FILES = Kept(
    "/v1/containers/{container_id}/files",
    "file_id",
    "cfile_",
    "container.file",
    {"bytes": 1, "path": "/mnt/data/a.txt", "source": "user"},
    required=("file",),
    form=True,
    verbs=("create", "list", "get", "delete"),
)
EVALS = Kept(
    "/v1/evals",
    "eval_id",
    "eval_",
    "eval",
    {"name": "standin", "data_source_config": {"type": "custom", "schema": {}}}
    | {"testing_criteria": [], "metadata": {}, "status": "active"},
    required=("data_source_config", "testing_criteria"),
    verbs=("create", "list", "get", "update", "delete", "cancel"),
)
RUNS = Kept(
    "/v1/evals/{eval_id}/runs",
    "run_id",
    "evalrun_",
    "eval.run",
    {"name": "standin", "status": "queued", "model": "gpt-4o", "data_source": {"type": "jsonl"}}
    | {"report_url": "https://platform.example", "error": None, "per_model_usage": []}
    | {"per_testing_criteria_results": []}
    | {"result_counts": {"total": 0, "passed": 0, "failed": 0, "errored": 0}},
    required=("data_source",),
    verbs=("create", "list", "get", "cancel", "delete"),
)
_KINDS = (
    *(FILES, BATCHES, FINE_TUNING_JOBS, VECTOR_STORES, VECTOR_STORE_FILES),
    *(CONTAINERS, CONTAINER_FILES, EVALS, RUNS),
)


def _content(_: Asked) -> Reply:
    return Binary(FILE_CONTENT, "application/octet-stream")


def _search(asked: Asked) -> Reply:
    found = {
        "file_id": "file-standin",
        "filename": "standin.txt",
        "score": 0.9,
        "attributes": {},
        "content": [{"type": "text", "text": "word0 word1"}],
    }
    query = asked.fields["query"]
    return Json(
        {
            "object": "vector_store.search_results.page",
            "search_query": query if isinstance(query, list) else [query],
            "data": [found],
            "has_more": False,
            "next_page": None,
        }
    )


def _stored_text(asked: Asked) -> Reply:
    content = [{"type": "text", "text": "word0 word1"}]
    about = {"file_id": asked.ids["file_id"], "filename": "standin.txt", "attributes": {}}
    return Json({**about, "content": content, "object": "vector_store.file_content.page"})


ENDPOINTS = (
    *(endpoint for kind in _KINDS for endpoint in kind.endpoints()),
    Endpoint(OPENAI, "GET", "/v1/files/{file_id}/content", _content, "", check=FILES.known),
    Endpoint(
        OPENAI,
        "GET",
        "/v1/containers/{container_id}/files/{file_id}/content",
        _content,
        "",
        check=CONTAINER_FILES.known,
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/vector_stores/{vector_store_id}/search",
        _search,
        required=("query",),
        content="query",
        check=VECTOR_STORES.known,
    ),
    Endpoint(
        OPENAI,
        "GET",
        "/v1/vector_stores/{vector_store_id}/files/{file_id}/content",
        _stored_text,
        "",
        check=VECTOR_STORE_FILES.known,
    ),
)
