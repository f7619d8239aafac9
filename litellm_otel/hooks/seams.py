"""The table of LiteLLM's seams: where each hook goes in. Installing, removing and the docs walk it."""

from __future__ import annotations

import logging
import operator
import sys
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_logger = logging.getLogger("litellm_otel")


@dataclass(frozen=True, slots=True)
class Seam:
    """One attribute of LiteLLM that is replaced by a wrapped one when its module has been imported."""

    module: str
    attribute: str
    """A dotted path in the module."""
    wrap: Callable[[Any], Any]
    """The present value → the new one."""
    former: tuple[str, ...] = ()
    """Its paths in other LiteLLM versions; the first that is there is taken."""
    optional: bool = False
    """True where only some LiteLLM versions have it."""
    created: bool = False
    """True where the attribute may be missing, and is then made."""

    @property
    def name(self) -> str:
        return f"{self.module}:{self.attribute}"


@dataclass(slots=True)
class Seams:
    """Installs seams as their modules are imported, and takes them out again."""

    seams: tuple[Seam, ...]
    status: dict[str, str] = field(default_factory=dict[str, str])
    """Per seam ``module:attribute``: waiting, in force, absent (as it may be), missing, failed or removed."""
    _originals: list[tuple[Any, str, Any, bool]] = field(
        default_factory=list[tuple[Any, str, Any, bool]]
    )
    removed: Callable[[], None] = lambda: None
    """Called when all of them have been taken out."""
    _active: bool = True

    def install(self) -> None:
        """Register the import hooks; for modules that are imported already, wrap now."""
        self._active = True
        for seam in self.seams:
            self.status[seam.name] = "waiting"

            def put_in(module: ModuleType, seam: Seam = seam) -> None:
                self._put_in(module, seam)

            wrapt.register_post_import_hook(put_in, seam.module)

    def _put_in(self, module: ModuleType, seam: Seam) -> None:
        name = seam.name
        if not self._active or self.status[name] == "in force":
            return
        try:
            found = _find(module, seam)
            if found is not None:
                self.replace(*found, seam.wrap)
                self.status[name] = "in force"
            elif seam.optional:
                self.status[name] = "absent"
                _logger.debug("LiteLLM %s has no %s, as some versions", _version(), name)
            else:
                self.status[name] = "missing"
                _logger.warning(
                    "LiteLLM %s has no %s: what it tells is not recorded", _version(), name
                )
        except Exception:
            self.status[name] = "failed"
            _logger.warning("could not hook into %s; its telemetry is missing", name, exc_info=True)

    def replace(self, owner: Any, attribute: str, wrap: Callable[[Any], Any]) -> None:
        """Replace an attribute, until `remove`."""
        own = attribute in vars(owner) if hasattr(owner, "__dict__") else True
        present = getattr(owner, attribute, None)
        # A static method is kept as one.
        kept: Any = cast("dict[str, Any]", vars(owner)).get(attribute, present) if own else present
        setattr(owner, attribute, wrap(present))
        self._originals.append((owner, attribute, kept, own))

    def remove(self) -> None:
        """Put back what was there."""
        self._active = False
        for owner, attribute, original, own in reversed(self._originals):
            if own and original is not None:
                setattr(owner, attribute, original)
            else:
                delattr(owner, attribute)
        self._originals.clear()
        self.status = dict.fromkeys(self.status, "removed")
        self.removed()


class _AsFunction:
    """Copied and pickled as a function is: by its name."""

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        function: Any = self
        return _resolved, (function.__module__, function.__qualname__)


class _Bound(_AsFunction, wrapt.BoundFunctionWrapper):  # pyright: ignore
    pass


class _Hooked(_AsFunction, wrapt.FunctionWrapper):  # pyright: ignore
    __bound_function_wrapper__ = _Bound


def _resolved(module: str, path: str) -> Any:
    return operator.attrgetter(path)(sys.modules[module])


Wrapped: TypeAlias = "Callable[..., Any]"
Args: TypeAlias = tuple[Any, ...]
Kwargs: TypeAlias = dict[str, Any]
Wrapper: TypeAlias = "Callable[[Wrapped, Any, Args, Kwargs], Any]"
"""What stands around a function: it is handed that, what it is bound to, and its arguments."""


def wrapped_by(wrapper: Wrapper) -> Callable[[Any], Any]:
    """For `Seam.wrap`: wrapt's function wrapper, which keeps signature and identity."""

    def wrap(present: Any) -> Any:
        return cast("Any", _Hooked)(present, wrapper)

    return wrap


def imported(module: str) -> bool:
    return module in sys.modules


def _find(module: ModuleType, seam: Seam) -> tuple[Any, str] | None:
    """Where the seam is in this LiteLLM: an object and the name of its attribute."""
    for path in (seam.attribute, *seam.former):
        *parents, attribute = path.split(".")
        owner: Any = module
        for parent in parents:
            owner = getattr(owner, parent, None)
        if owner is not None and (getattr(owner, attribute, None) is not None or seam.created):
            return owner, attribute
    return None


def _version() -> str:
    try:
        return metadata.version("litellm")
    except metadata.PackageNotFoundError:
        return "of no known version"
