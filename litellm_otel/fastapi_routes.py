"""Remembers which route a request's span is named after, for the FastAPI instrumentation.

It asks each of the proxy's several hundred routes in turn, for every request, just before FastAPI does
so again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from litellm_otel import announce

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from types import ModuleType

    Scope = MutableMapping[str, Any]
    Details = tuple[str, dict[str, str]]
    Lookup = Callable[[Scope], Details]

INSTRUMENTATION: Final = "opentelemetry.instrumentation.fastapi"
LOOKUP: Final = "_get_default_span_details"
ROUTE: Final = "http.route"
REMEMBERED: Final = 1024
"""Paths of one application that are remembered. Some carry ids: then all are learnt anew."""
# Starlette's, and FastAPI's for files of a frontend.
_LOOKS_AT_HEADERS: Final = frozenset({"Host", "_FrontendRoute", "_FrontendRouteGroup"})


def install(instrumentation: ModuleType) -> None:
    """Have the instrumentation look a path up once; to be done before an application is made."""
    lookup: Any = getattr(instrumentation, LOOKUP, None)
    if lookup is None:
        announce.logger.debug("litellm-otel: %s has no %s", INSTRUMENTATION, LOOKUP)
    elif not isinstance(lookup, RememberedRoutes):
        setattr(instrumentation, LOOKUP, RememberedRoutes(lookup))


class RememberedRoutes:
    """The lookup, with the routes that it found before."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._known: WeakKeyDictionary[Any, dict[tuple[Any, ...], Details]] = WeakKeyDictionary()

    def __call__(self, scope: Scope) -> Details:
        app = scope["app"]
        known = self._known.get(app)
        if known is None:
            known = self._known.setdefault(app, {})
        # Routes are added while the proxy runs; all that they are chosen by is in here.
        key = (
            len(app.routes),
            scope["type"],
            scope.get("method"),
            scope["path"],
            scope.get("root_path"),
        )
        found = known.get(key)
        if found is None:
            found = self._lookup(scope)
            # LiteLLM adds some routes when they are first asked for: where there is none now, there may
            # be one next time, at the same number of routes.
            if ROUTE in found[1] and not _LOOKS_AT_HEADERS & {type(r).__name__ for r in app.routes}:
                if len(known) >= REMEMBERED:
                    known.clear()
                known[key] = found
        name, attributes = found
        return name, dict(attributes)
