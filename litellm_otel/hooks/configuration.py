"""LiteLLM's configuration: what of it says which metrics are sent, read when it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm_otel import announce, selection, settings
from litellm_otel.boundary import guarded
from litellm_otel.reading.configuration import metric_settings

if TYPE_CHECKING:
    from litellm_otel.hooks.seams import Args, Kwargs, Wrapped
    from litellm_otel.recorder import Recorder


class Configuration:
    """Watches ``ProxyConfig.load_config``; outside the proxy, the first call."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        recorder.before_first_call = self.read

    async def load_config(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        result = await wrapped(*args, **kwargs)
        errors = self.read()
        if errors and settings.current().metrics_strict:
            raise ValueError("; ".join(errors))
        return result

    @guarded
    def read(self) -> list[str]:
        """Go by what is configured now; what is wrong with it, said once."""
        recorder = self._recorder
        if not recorder.active:
            return []
        chosen = settings.current()
        found, errors = selection.select(
            metric_settings(), chosen.metrics_include, chosen.metrics_exclude
        )
        for error in errors:
            announce.once(error)
        selection.use(found)
        recorder.emitter.selected(found)
        return errors
