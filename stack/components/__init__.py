"""The real components: how each is configured, started and asked."""

from .alertmanager import Alertmanager
from .collector import Collector
from .loki import Loki
from .prometheus import Prometheus
from .proxy import Proxy, Server

__all__ = ["Alertmanager", "Collector", "Loki", "Prometheus", "Proxy", "Server"]
