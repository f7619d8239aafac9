"""The table of LiteLLM's seams: where each hook goes in. Installing, removing and the docs walk it."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

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
    optional: bool = False
    """True where only some LiteLLM versions have it."""
    created: bool = False
    """True where the attribute may be missing, and is then made."""


@dataclass(slots=True)
class Seams:
    """Installs seams as their modules are imported, and takes them out again."""

    seams: tuple[Seam, ...]
    status: dict[str, str] = field(default_factory=dict[str, str])
    """Per seam ``module:attribute``: waiting, in force, missing, failed or removed."""
    _originals: list[tuple[Any, str, Any, bool]] = field(
        default_factory=list[tuple[Any, str, Any, bool]]
    )
    _active: bool = True

    def install(self) -> None:
        """Register the import hooks; for modules that are imported already, wrap now."""
        for seam in self.seams:
            self.status[_name(seam)] = "waiting"

            def put_in(module: ModuleType, seam: Seam = seam) -> None:
                self._put_in(module, seam)

            wrapt.register_post_import_hook(put_in, seam.module)

    def _put_in(self, module: ModuleType, seam: Seam) -> None:
        name = _name(seam)
        if not self._active or self.status[name] == "in force":
            return
        try:
            owner, attribute = _owner(module, seam.attribute)
            own = attribute in vars(owner) if hasattr(owner, "__dict__") else True
            present = getattr(owner, attribute, None)
            if present is None and not seam.created:
                raise AttributeError(seam.attribute)
            setattr(owner, attribute, seam.wrap(present))
            self._originals.append((owner, attribute, present, own))
            self.status[name] = "in force"
        except AttributeError:
            self.status[name] = "missing"
            _logger.debug("LiteLLM has no %s; what it tells is not recorded", name)
        except Exception:
            self.status[name] = "failed"
            _logger.warning("could not hook into %s; its telemetry is missing", name, exc_info=True)

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


def wrapped_by(wrapper: Callable[..., Any]) -> Callable[[Any], Any]:
    """For `Seam.wrap`: wrapt's function wrapper, which keeps signature and identity."""

    def wrap(present: Any) -> Any:
        return cast("Any", wrapt.FunctionWrapper)(present, wrapper)

    return wrap


def imported(module: str) -> bool:
    return module in sys.modules


def _name(seam: Seam) -> str:
    return f"{seam.module}:{seam.attribute}"


def _owner(module: ModuleType, path: str) -> tuple[Any, str]:
    *parents, attribute = path.split(".")
    owner: Any = module
    for parent in parents:
        owner = getattr(owner, parent)
    return owner, attribute
