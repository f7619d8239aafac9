"""The arguments of a call → what a record keeps of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, cast

from litellm_otel import selection
from litellm_otel.model import Identity, Parameters
from litellm_otel.model.records import ANONYMOUS
from litellm_otel.reading.agents import agent_model_in
from litellm_otel.reading.call_kinds import CallKind
from litellm_otel.reading.entry_point import EntryPoint
from litellm_otel.reading.providers import server
from litellm_otel.reading.shapes import field_at, field_of, text_of

_HEALTH_CHECK: Final = "litellm-internal-health-check"
_MAX_CONTENTS: Final = 512
_MAX_LABEL: Final = 256
"""Characters of what somebody else chose that become a label."""
_ALSO_CONTENT: Final = ("tools", "functions", "response_format", "prediction")
_NO_CONTENT: Final = frozenset(
    {"role", "type", "id", "name", "tool_call_id", "mime_type", "required"}
)


def target_of(entry_point: EntryPoint, arguments: Mapping[str, Any]) -> str | None:
    """What is called, where that is not a model: the name of a tool, the id of a vector store, or nothing."""
    name = entry_point.kind.target
    if name == "model":
        return None
    target = field_at(arguments, name.split("."))
    return target if isinstance(target, str) else ""


def provider_of(entry_point: EntryPoint, arguments: Mapping[str, Any]) -> Any:
    """What the call says of its provider, as the table says where; None where it leaves that open."""
    return field_at(arguments, entry_point.kind.provider.split("."))


def is_streamed(entry_point: EntryPoint, arguments: Mapping[str, Any]) -> bool:
    """Whether a stream is asked for: by the function's name, by an argument, or in what is passed through."""
    asked = (arguments.get("stream"), field_of(arguments.get("json"), "stream"))
    return True in asked or entry_point.name.endswith(("_stream", "_streaming"))


def model_of(arguments: Mapping[str, Any]) -> str:
    """The ``model`` of a call; "" where it has none. Of a stream of an agent's, it is in the metadata."""
    model = arguments.get("model")
    return model if isinstance(model, str) else agent_model_in(metadata_of(arguments))


def metadata_of(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """LiteLLM's metadata of a call: ``litellm_metadata`` on some routes, ``metadata`` on others.

    Where there are both, the proxy's word of the caller is in one of them, and it is that one.
    """
    found: Mapping[str, Any] = {}
    for name in ("litellm_metadata", "metadata"):
        metadata = kwargs.get(name)
        if isinstance(metadata, dict) and metadata:
            given = cast("Mapping[str, Any]", metadata)
            if "user_api_key_hash" in given:
                return given
            found = found or given
    return found


def identity_of(metadata: Mapping[str, Any]) -> Identity:
    """Who asked. Only the hash of a key is ever read, never the key."""
    if not metadata:
        return ANONYMOUS
    texts = map(text_of, map(metadata.get, _CALLER.values()))
    identity = _identity(("tags", *_CALLER), _texts(metadata.get("tags")), *texts)
    custom_labels = _custom_labels(metadata)
    return replace(identity, custom_labels=custom_labels) if custom_labels else identity


_CALLER: Final = {
    "key_hash": "user_api_key_hash",
    "key_alias": "user_api_key_alias",
    "team_id": "user_api_key_team_id",
    "team_alias": "user_api_key_team_alias",
    "user_id": "user_api_key_user_id",
    "organization_id": "user_api_key_org_id",
    "organization_alias": "user_api_key_org_alias",
    "end_user": "user_api_key_end_user_id",
    "session_id": "session_id",
    "user_email": "user_api_key_user_email",
    "project_id": "user_api_key_project_id",
    "project_alias": "user_api_key_project_alias",
    "client_ip": "requester_ip_address",
    "user_agent": "user_agent",
    "route": "user_api_key_request_route",
}
"""What is known of a caller, and where LiteLLM's metadata has it."""


@lru_cache(maxsize=2048)
def _identity(fields: tuple[str, ...], *values: Any) -> Identity:
    """Most who ask have asked before."""
    return Identity(**dict(zip(fields, values, strict=True)))


_CUSTOM_SOURCES: Final = ("requester_metadata", "user_api_key_auth_metadata", "spend_logs_metadata")


def _custom_labels(metadata: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Of the metadata what LiteLLM's settings make labels of; the key's own is believed before the caller's."""
    wanted = selection.current().metadata_labels
    if not wanted:
        return ()
    found: list[tuple[str, str]] = []
    for key in wanted:
        path = key.removeprefix("metadata.").split(".")
        for source in (*(metadata.get(name) for name in reversed(_CUSTOM_SOURCES)), metadata):
            value = field_at(source, path)
            if isinstance(value, str):
                found.append((selection.label_of(key), value[:_MAX_LABEL]))
                break
    return tuple(found)


def claimed_identity(arguments: Mapping[str, Any]) -> Identity:
    """What a request says of itself, believed or not: its session, its tags, for whom it is."""
    metadata = metadata_of(arguments)
    tags = arguments.get("tags") or metadata.get("tags")
    return Identity(
        end_user=text_of(arguments.get("user")),
        session_id=text_of(arguments.get("litellm_session_id"))
        or text_of(metadata.get("session_id")),
        tags=_texts(tags),
    )


def client_of(arguments: Mapping[str, Any]) -> Identity:
    """Where a request to the proxy came from, of what the proxy has noted in it."""
    metadata = metadata_of(arguments)
    return Identity(
        client_ip=text_of(metadata.get("requester_ip_address")),
        user_agent=text_of(metadata.get("user_agent")),
        custom_labels=_custom_labels(metadata),
    )


def is_health_check(identity: Identity) -> bool:
    """Whether LiteLLM asks for itself, to see how a deployment does."""
    return identity.key_alias == _HEALTH_CHECK


def identity_in(arguments: Mapping[str, Any]) -> Identity:
    """Who asked, from a call's arguments: as the proxy left word of it, or as the caller says."""
    identity = identity_of(metadata_of(arguments))
    if identity.key_hash:
        session = text_of(arguments.get("litellm_session_id"))
        return replace(identity, session_id=session) if session else identity
    key = arguments.get("user_api_key_auth")  # all that calls of MCP tools have
    if key is not None:
        identity = identity.completed_by(identity_of_key(key))
    identity = identity.completed_by(claimed_identity(arguments))
    return ANONYMOUS if identity == ANONYMOUS else identity


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    return tuple(value for value in cast("list[object]", values) if isinstance(value, str))


def identity_of_key(auth: object) -> Identity:
    """The same from the proxy's ``UserAPIKeyAuth``, which is all there is of a request it refuses."""
    key = text_of(getattr(auth, "api_key", None))
    key_hash = key if key is not None and _HASH.fullmatch(key) else None
    texts = (text_of(getattr(auth, name, None)) for name in _OWNER.values())
    return _identity(("key_hash", *_OWNER), key_hash, *texts)


_HASH: Final = re.compile("[0-9a-f]{64}")
_OWNER: Final = {
    "key_alias": "key_alias",
    "team_id": "team_id",
    "team_alias": "team_alias",
    "user_id": "user_id",
    "organization_id": "org_id",
    "organization_alias": "organization_alias",
    "end_user": "end_user_id",
    "user_email": "user_email",
    "project_id": "project_id",
    "project_alias": "project_alias",
    "route": "request_route",
}
"""What is known of a key's owner, and the field of LiteLLM's that has it."""


def parameters_of(kind: CallKind, arguments: Mapping[str, Any]) -> Parameters:
    """What the call asks for, of what the table says is kept."""
    parameters = Parameters()
    if kind.output_type:
        parameters.output_type = kind.output_type
    for argument, field, read, within in kind.parameters:
        value = _inside(arguments, within, argument) if within else arguments.get(argument)
        if value is not None:
            value = read(value)
            if value is not None:
                setattr(parameters, field, value)
    return parameters


def _inside(arguments: Mapping[str, Any], within: tuple[str, ...], argument: str) -> Any:
    for name in within:
        value = field_of(arguments.get(name), argument)
        if value is not None:
            return value
    return None


def server_of(kwargs: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Host and port that the call is configured to go to, where it says so."""
    base = kwargs.get("api_base") or kwargs.get("base_url")
    return server(base) if isinstance(base, str) else (None, None)


def deployment_id_of(kwargs: Mapping[str, Any]) -> str | None:
    """LiteLLM's id of the deployment that the Router picked."""
    info = kwargs.get("model_info")
    return text_of(cast("Mapping[str, Any]", info).get("id")) if isinstance(info, dict) else None


def contents_of(kwargs: Mapping[str, Any], arguments: Sequence[str]) -> list[str]:
    """The texts that the user wrote, the newest first: for taking them out of error messages."""
    found: list[str] = []
    for argument in (*arguments, *_ALSO_CONTENT):
        _collect(kwargs.get(argument), found)
    return found


def _collect(value: object, found: list[str]) -> None:
    if len(found) >= _MAX_CONTENTS:
        return
    if isinstance(value, str):
        found.append(value[:1024] if value.startswith("data:") else value)
    elif isinstance(value, (list, tuple)):
        for item in reversed(cast("Sequence[object]", value)):
            _collect(item, found)
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if key not in _NO_CONTENT:
                _collect(item, found)
