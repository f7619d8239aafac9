"""The arguments of a call → what a record keeps of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from litellm_otel.model import Identity, Parameters
from litellm_otel.model.records import ANONYMOUS
from litellm_otel.reading.call_kinds import CallKind, EntryPoint
from litellm_otel.reading.providers import server
from litellm_otel.reading.shapes import field_of

_HEALTH_CHECK: Final = "litellm-internal-health-check"
_MAX_CONTENTS: Final = 512
_ALSO_CONTENT: Final = ("tools", "functions", "response_format", "prediction")
_NO_CONTENT: Final = frozenset(
    {"role", "type", "id", "name", "tool_call_id", "mime_type", "required"}
)


def target_of(entry_point: EntryPoint, arguments: Mapping[str, Any]) -> str | None:
    """What is called, where that is not a model: the name of a tool, the id of a vector store, or nothing."""
    name = entry_point.kind.target
    if name == "model":
        return None
    first, *inside = name.split(".")
    target = arguments.get(first)
    for field in inside:
        target = field_of(target, field)
    return target if isinstance(target, str) else ""


def provider_of(entry_point: EntryPoint, arguments: Mapping[str, Any]) -> Any:
    """What the call says of its provider, as the table says where; None where it leaves that open."""
    found: Any = arguments
    for name in entry_point.kind.provider.split("."):
        found = field_of(found, name)
    return found


def is_streamed(entry_point: EntryPoint, arguments: Mapping[str, Any]) -> bool:
    """Whether a stream is asked for: by the function's name, by an argument, or in what is passed through."""
    asked = (arguments.get("stream"), field_of(arguments.get("json"), "stream"))
    return True in asked or entry_point.name.endswith(("_stream", "_streaming"))


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
        tags=_texts(metadata.get("tags")),
    )


def claimed_identity(arguments: Mapping[str, Any]) -> Identity:
    """What a request says of itself, believed or not: its session, its tags, for whom it is."""
    metadata = metadata_of(arguments)
    tags = arguments.get("tags") or metadata.get("tags")
    return Identity(
        end_user=_text(arguments.get("user")),
        session_id=_text(arguments.get("litellm_session_id")) or _text(metadata.get("session_id")),
        tags=_texts(tags),
    )


def is_health_check(identity: Identity) -> bool:
    """Whether LiteLLM asks for itself, to see how a deployment does."""
    return identity.key_alias == _HEALTH_CHECK


def identity_in(arguments: Mapping[str, Any]) -> Identity:
    """Who asked, from a call's arguments: as the proxy left word of it, or as the caller says."""
    identity = identity_of(metadata_of(arguments))
    if identity.key_hash:
        session = _text(arguments.get("litellm_session_id"))
        return replace(identity, session_id=session) if session else identity
    identity = identity.completed_by(claimed_identity(arguments))
    return ANONYMOUS if identity == ANONYMOUS else identity


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    return tuple(value for value in cast("list[object]", values) if isinstance(value, str))


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
    """The texts that the user wrote, the newest first: for taking them out of error messages."""
    found: list[str] = []
    for argument in (*arguments, *_ALSO_CONTENT):
        _collect(kwargs.get(argument), found)
    return found


def texts_in(value: object) -> list[str]:
    """The same of one argument's value."""
    found: list[str] = []
    _collect(value, found)
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
