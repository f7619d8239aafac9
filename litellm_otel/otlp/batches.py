"""Batches: what belongs to the same resource and the same scope goes under one head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from litellm_otel.otlp.values import key_values
from litellm_otel.otlp.wire import delimited, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Scopes = dict[Any, list[bytes]]


class Layout:
    """The three messages that a batch of one signal is made of, one in the other."""

    def __init__(self, request: Any, resource: tuple[Any, str], scope: tuple[Any, str]) -> None:
        self._request = request
        self._in_request, scopes = request.DESCRIPTOR.fields[0], resource[1]
        self._resource_message, self._scope_message = resource[0], scope[0]
        self._resource_tag = tag(request, self._in_request.name)
        self._scope_tag = tag(resource[0], scopes)
        self._item_tag = tag(scope[0], scope[1])

    def request(self, items: Iterable[Any], encode: Callable[[Any], bytes]) -> Any:
        """The request that sends these items, each encoded by ``encode``."""
        parts = [
            delimited(self._resource_tag, self._of_resource(resource, scopes))
            for resource, scopes in self._grouped(items, encode)
        ]
        return self._request.FromString(b"".join(parts))

    def _grouped(
        self, items: Iterable[Any], encode: Callable[[Any], bytes]
    ) -> Iterable[tuple[Any, _Scopes]]:
        groups: dict[Any, _Scopes] = {}
        # To hash a resource is to write it as JSON; there are few, and they are the same objects.
        known: dict[tuple[int, int], list[bytes]] = {}
        for item in items:
            resource, scope = item.resource, item.instrumentation_scope or None
            group = known.get((id(resource), id(scope)))
            if group is None:
                group = groups.setdefault(resource, {}).setdefault(scope, [])
                known[id(resource), id(scope)] = group
            group.append(delimited(self._item_tag, encode(item)))
        return groups.items()

    def _of_resource(self, resource: Any, scopes: _Scopes) -> bytes:
        head = self._resource_message(
            resource=Resource(attributes=key_values(resource.attributes)),
            schema_url=resource.schema_url,
        )
        parts = [
            delimited(self._scope_tag, self._of_scope(scope, items))
            for scope, items in scopes.items()
        ]
        return b"".join((head.SerializeToString(), *parts))

    def _of_scope(self, scope: Any, items: list[bytes]) -> bytes:
        if scope is None:
            head = self._scope_message(scope=InstrumentationScope())
        else:
            head = self._scope_message(
                scope=InstrumentationScope(
                    name=scope.name,
                    version=scope.version,
                    attributes=key_values(scope.attributes),
                ),
                schema_url=scope.schema_url,
            )
        return b"".join((head.SerializeToString(), *items))
