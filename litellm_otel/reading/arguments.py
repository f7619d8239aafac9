"""The arguments of a call → what a record keeps of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from litellm_otel.model import Identity, Parameters
from litellm_otel.model.records import ANONYMOUS
from litellm_otel.reading.call_kinds import CallKind, EntryPoint
from litellm_otel.reading.providers import server
from litellm_otel.reading.shapes import field_of

_MAX_CONTENTS: Final = 64


def target_of(entry_point: EntryPoint, arguments: Mapping[str, Any]) -> str:
    """What is called, where that is not a model: the name of a tool, the id of a vector store."""
    name = entry_point.kind.target
    target = arguments.get(name) if name and name != "model" else None
    return target if isinstance(target, str) else ""


def model_of(arguments: Mapping[str, Any]) -> str:
    """The ``model`` of a call; "" where it has none."""
    model = arguments.get("model")
    return model if isinstance(model, str) else ""


def metadata_of(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """LiteLLM's metadata of a call: ``litellm_metadata`` on some routes, ``metadata`` on others."""
    for name in ("litellm_metadata", "metadata"):
        metadata = kwargs.get(name)
        if isinstance(metadata, dict) and metadata:
            return cast("Mapping[str, Any]", metadata)
    return {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def identity_of(metadata: Mapping[str, Any]) -> Identity:
    """Who asked. Only the hash of a key is ever read, never the key."""
    if not metadata:
        return ANONYMOUS
    tags = metadata.get("tags")
    return Identity(
        key_hash=_text(metadata.get("user_api_key_hash")),
        key_alias=_text(metadata.get("user_api_key_alias")),
        team_id=_text(metadata.get("user_api_key_team_id")),
        team_alias=_text(metadata.get("user_api_key_team_alias")),
        user_id=_text(metadata.get("user_api_key_user_id")),
        organization_id=_text(metadata.get("user_api_key_org_id")),
        organization_alias=_text(metadata.get("user_api_key_org_alias")),
        end_user=_text(metadata.get("user_api_key_end_user_id")),
        session_id=_text(metadata.get("session_id")),
        tags=tuple(tag for tag in cast("list[object]", tags) if isinstance(tag, str))
        if isinstance(tags, list)
        else (),
    )


def identity_of_key(auth: object) -> Identity:
    """The same from the proxy's ``UserAPIKeyAuth``, which is all there is of a request it refuses."""
    return Identity(
        key_hash=_text(getattr(auth, "api_key", None) if _is_hash(auth) else None),
        key_alias=_text(getattr(auth, "key_alias", None)),
        team_id=_text(getattr(auth, "team_id", None)),
        team_alias=_text(getattr(auth, "team_alias", None)),
        user_id=_text(getattr(auth, "user_id", None)),
        organization_id=_text(getattr(auth, "org_id", None)),
        organization_alias=_text(getattr(auth, "organization_alias", None)),
        end_user=_text(getattr(auth, "end_user_id", None)),
    )


def _is_hash(auth: object) -> bool:
    key = getattr(auth, "api_key", None)
    return isinstance(key, str) and len(key) == 64 and all(c in "0123456789abcdef" for c in key)


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
    return _text(cast("Mapping[str, Any]", info).get("id")) if isinstance(info, dict) else None


def contents_of(kwargs: Mapping[str, Any], arguments: Sequence[str]) -> list[str]:
    """The pieces of text that the user wrote, longest first: for taking them out of error messages."""
    found: list[str] = []
    for argument in arguments:
        _collect(kwargs.get(argument), found)
    return sorted(found, key=len, reverse=True)


def _collect(value: object, found: list[str]) -> None:
    if len(found) >= _MAX_CONTENTS:
        return
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _collect(item, found)
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if key in ("content", "text", "parts", "arguments", "thinking"):
                _collect(item, found)
