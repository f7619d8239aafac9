"""What an attempt and a request are labelled with in metrics, under LiteLLM's names of labels."""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from litellm_otel import selection
from litellm_otel.catalogue.labels import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from litellm_otel.emit.cells import Labels
    from litellm_otel.model import Attempt, Failure, Identity, Request

    Facts: TypeAlias = Mapping[str, str | None]

OTHER: Final = "other"
"""Stands for models that LiteLLM does not serve: clients can make up any name."""


def picker(labels: tuple[str, ...]) -> Callable[[Facts], Labels]:
    """What takes the values of these labels out of facts; None for what those don't have."""
    if len(labels) < 2:
        return lambda facts: tuple(facts.get(label) for label in labels)
    pick: Callable[[Facts], Labels] = itemgetter(*labels)

    def picked(facts: Facts) -> Labels:
        try:
            return pick(facts)
        except KeyError:
            return tuple(facts.get(label) for label in labels)

    return picked


def of_attempt(attempt: Attempt) -> dict[str, str | None]:
    """Every one of `LABELS`, and the custom ones."""
    model = attempt.model or None
    facts: dict[str, str | None] = {
        "model": model,
        "litellm_model_name": model,
        "requested_model": attempt.call.model or None,
        "model_group": attempt.model_group or None,
        "model_id": attempt.deployment_id,
        "api_base": attempt.api_base,
        "api_provider": attempt.provider or None,
        "service_tier": attempt.response.service_tier or attempt.parameters.service_tier,
        "stream": str(attempt.stream),
        "status_code": None,
        "mcp_tool_name": attempt.target if attempt.of_tool else None,
        "mcp_server_name": attempt.target_server,
    }
    add_identity(attempt.identity, facts)
    _add_failure(attempt.failure, facts)
    return facts


def of_request(request: Request, deciding: Facts | None) -> dict[str, str | None]:
    """The same of a request to the proxy. ``deciding``: those of the attempt that decided it, if one did."""
    attempt = request.last_attempt
    facts = dict(deciding) if deciding is not None else dict.fromkeys(LABELS)
    identity = request.identity
    if attempt is not None:
        identity = attempt.identity.completed_by(identity)
    add_identity(identity, facts)
    _add_failure(request.final_failure, facts)
    facts["requested_model"] = request.model or OTHER
    if request.status_code == 401 and attempt is None:
        facts["hashed_api_key"] = None  # nobody's: anything that is tried would be a series
    # Where there was nobody left to answer, as proxies log it.
    facts["status_code"] = str(request.status_code or 499)
    facts["route"] = facts["route"] or request.path
    return facts


def add_identity(identity: Identity, facts: dict[str, str | None]) -> None:
    """Who asked, and the custom labels that depend on it."""
    facts["end_user"] = identity.end_user
    facts["hashed_api_key"] = identity.key_hash
    facts["api_key_alias"] = identity.key_alias
    facts["team"] = identity.team_id
    facts["team_alias"] = identity.team_alias
    facts["user"] = identity.user_id
    facts["user_email"] = identity.user_email
    facts["org_id"] = identity.organization_id
    facts["org_alias"] = identity.organization_alias
    facts["project_id"] = identity.project_id
    facts["project_alias"] = identity.project_alias
    facts["route"] = identity.route
    facts["client_ip"] = identity.client_ip
    facts["user_agent"] = identity.user_agent
    chosen = selection.current()
    if chosen.metadata_labels:
        facts.update(dict.fromkeys(map(selection.label_of, chosen.metadata_labels)))
        facts.update(identity.custom_labels)
    for tag in chosen.tags:
        facts[selection.label_of_tag(tag)] = str(_has(identity.tags, tag)).lower()


def _add_failure(failure: Failure | None, facts: dict[str, str | None]) -> None:
    status = failure.status_code if failure is not None else None
    facts["exception_status"] = str(status) if status is not None else None
    facts["exception_class"] = (
        (failure.exception_class or failure.type) if failure is not None else None
    )


def _has(tags: tuple[str, ...], wanted: str) -> bool:
    if wanted in tags:
        return True
    return "*" in wanted and any(_pattern(wanted).match(tag) for tag in tags)


@lru_cache(maxsize=256)
def _pattern(tag: str) -> re.Pattern[str]:
    return re.compile(re.escape(tag).replace(r"\*", "(.*)"))
