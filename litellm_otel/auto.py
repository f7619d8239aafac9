"""``import litellm_otel.auto`` starts telemetry in a program that nothing else has started it for.

Import it before ``litellm``; what was imported already is instrumented less completely.
"""

from litellm_otel.bootstrap import start

start()
