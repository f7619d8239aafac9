"""Traffic through the proxy, and exactly what the client saw of it."""

from .driver import Steady, send
from .exchange import Exchange, Traffic
from .kinds import KINDS, Kind, Mix

__all__ = ["KINDS", "Exchange", "Kind", "Mix", "Steady", "Traffic", "send"]
