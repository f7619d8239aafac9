"""APIs of one or two paths: rerankers, web search, OCR, decisions, code sandboxes."""

from __future__ import annotations

from typing import Any

from .endpoint import Api, Asked, Binary, Endpoint, Invalid, Json, Problem, Reply, bearer, header
from .openai_api import OPENAI

SEARCH_UNITS = 1
PAGES = 2


def _message_only(problem: Problem) -> Any:
    return {"message": problem.message}


def _detail(problem: Problem) -> Any:
    return {"detail": {"error": problem.message}}


def _coded(problem: Problem) -> Any:
    return {"code": problem.status, "message": problem.message}


COHERE = Api(bearer, "Authorization: Bearer", _message_only)
JINA = Api(bearer, "Authorization: Bearer", _detail)
TAVILY = Api(bearer, "Authorization: Bearer", _detail)
SEARXNG = Api(lambda _: "none", "", _message_only)
"""A searcher of one's own, without keys."""
MISTRAL = Api(bearer, "Authorization: Bearer", _message_only)
E2B = Api(header("X-API-Key"), "X-API-Key", _coded)
E2B_SANDBOX = Api(header("X-Access-Token"), "X-Access-Token", _coded)
ACCESS_TOKEN = "access-token-of-standin"


# -- rerankers --------------------------------------------------------------------------------


def _ranking(asked: Asked) -> list[dict[str, Any]]:
    documents = asked.fields["documents"]
    count = min(asked.fields.get("top_n") or len(documents), len(documents))
    return [{"index": index, "relevance_score": 0.9 - index / 10} for index in range(count)]


def _cohere(asked: Asked) -> Reply:
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": SEARCH_UNITS}}
    return Json({"id": "rerank-standin", "results": _ranking(asked), "meta": meta})


def _jina(asked: Asked) -> Reply:
    tokens = asked.words_asked
    usage = {"total_tokens": tokens, "prompt_tokens": tokens}
    return Json({"model": asked.model, "results": _ranking(asked), "usage": usage}, tokens)


def _documents_given(asked: Asked) -> Invalid | None:
    if isinstance(asked.fields["documents"], list):
        return None
    return Invalid("invalid request: documents must be a list")


# -- search, OCR, decisions -------------------------------------------------------------------


def _found(asked: Asked) -> Reply:
    query = asked.fields.get("query") or asked.query.get("q")
    one = {"title": "word0", "url": "https://pages.example/word0", "content": "word0", "score": 0.9}
    return Json({"query": query, "results": [one], "answer": None, "response_time": 0.1})


def _has_a_query(asked: Asked) -> Invalid | None:
    if asked.query.get("format") != "json":
        return Invalid("Only format=json is played here")
    return None if asked.query.get("q") else Invalid("No query")


def _ocr(asked: Asked) -> Reply:
    size = {"dpi": 200, "height": 2200, "width": 1700}
    pages = [
        {"index": index, "markdown": "# word0", "images": [], "dimensions": size}
        for index in range(PAGES)
    ]
    usage = {"pages_processed": PAGES, "doc_size_bytes": 1024}
    return Json({"pages": pages, "model": asked.model, "usage_info": usage})


def _document_given(asked: Asked) -> Invalid | None:
    document = asked.fields["document"]
    kind = document.get("type")
    if kind not in ("document_url", "image_url", "file") or not document.get(kind, "file"):
        return Invalid("document: unknown type", "document", 422)
    return None


def _decisions(asked: Asked) -> Reply:
    answers = [
        {"type": "predicate", "name": question.get("name"), "probability": 0.75}
        for question in asked.fields["questions"]
    ]
    tokens = asked.words_asked
    usage = {
        "input_tokens": tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": len(answers),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens + len(answers),
    }
    return Json({"model": asked.model, "answers": answers, "usage": usage}, tokens)


# -- code sandboxes ---------------------------------------------------------------------------


def _sandbox(asked: Asked) -> Reply:
    identifier = f"sbx{asked.number:08d}"
    about = {"templateID": asked.fields["templateID"], "clientID": "standin", "domain": None}
    token = {"envdAccessToken": ACCESS_TOKEN, "envdVersion": "0.2.0"}
    return Json({"sandboxID": identifier, **about, **token})


def _run(_: Asked) -> Reply:
    lines = b'{"type": "stdout", "text": "word0\\n"}\n{"type": "number_of_executions", '
    return Binary(lines + b'"execution_count": 1}\n', "application/x-ndjson")


def _gone(_: Asked) -> Reply:
    return Json({})


ENDPOINTS = (
    Endpoint(
        COHERE,
        "POST",
        "/v2/rerank",
        _cohere,
        required=("model", "query", "documents"),
        content="documents",
        check=_documents_given,
    ),
    Endpoint(
        JINA,
        "POST",
        "/v1/rerank",
        _jina,
        required=("model", "query", "documents"),
        content="documents",
        check=_documents_given,
    ),
    Endpoint(TAVILY, "POST", "/search", _found, required=("query",), content="query"),
    Endpoint(SEARXNG, "GET", "/search", _found, "", check=_has_a_query),
    Endpoint(
        MISTRAL,
        "POST",
        "/v1/ocr",
        _ocr,
        required=("model", "document"),
        content="document",
        check=_document_given,
    ),
    Endpoint(
        OPENAI,
        "POST",
        "/v1/decisions",
        _decisions,
        required=("model", "input", "questions"),
        content="input",
    ),
    Endpoint(E2B, "POST", "/sandboxes", _sandbox, required=("templateID",)),
    Endpoint(E2B, "DELETE", "/sandboxes/{sandbox_id}", _gone, ""),
    Endpoint(E2B_SANDBOX, "POST", "/execute", _run, required=("code",), content="code"),
)
