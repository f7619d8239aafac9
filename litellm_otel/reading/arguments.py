"""The arguments of a call → what a record keeps of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from litellm_otel.model import Identity, Parameters
from litellm_otel.model.records import ANONYMOUS
from litellm_otel.reading.call_kinds import EntryPoint
from litellm_otel.reading.providers import server

_NUMBERS: Final[tuple[tuple[str, str, type], ...]] = (
    ("temperature", "temperature", float),
    ("top_p", "top_p", float),
    ("frequency_penalty", "frequency_penalty", float),
    ("presence_penalty", "presence_penalty", float),
    ("top_k", "top_k", int),
    ("max_completion_tokens", "max_tokens", int),
    ("max_tokens", "max_tokens", int),
    ("seed", "seed", int),
    ("n", "choice_count", int),
    ("dimensions", "dimension_count", int),
)

_MAX_CONTENTS: Final = 64


def model_argument(entry_point: EntryPoint, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The ``model`` of a call, by position or by name; "" where it has none."""
    position = entry_point.model_position
    model = args[position] if position is not None and position < len(args) else kwargs.get("model")
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


def parameters_of(kwargs: Mapping[str, Any]) -> Parameters:
    """The request's parameters that the conventions have attributes for."""
    parameters = Parameters()
    for argument, field, kind in _NUMBERS:
        value = kwargs.get(argument)
        if value is not None and isinstance(value, (int, float)) and not isinstance(value, bool):
            setattr(parameters, field, kind(value))
    stop = kwargs.get("stop")
    if isinstance(stop, str):
        parameters.stop_sequences = (stop,)
    elif isinstance(stop, list):
        parameters.stop_sequences = tuple(str(word) for word in cast("list[object]", stop))
    encoding = kwargs.get("encoding_format")
    if isinstance(encoding, str):
        parameters.encoding_formats = (encoding,)
    return parameters


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
