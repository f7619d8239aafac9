"""The metrics of each process: what it uses, and what waits in it.

Names of ``process.*`` and ``cpython.*`` are OpenTelemetry's semantic conventions'; there are none yet for an
event loop, a pool of threads or a limit.
"""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.metric import Kind, Metric


def _each(
    name: str, kind: Kind, unit: str, description: str, prometheus: str, *labels: str
) -> Metric:
    return Metric(name, kind, unit, description, labels, prometheus, workers="each")


CPU_TIME: Final = _each(
    "process.cpu.time",
    "counter",
    "s",
    "CPU seconds used, by user and system.",
    "process_cpu_time_seconds_total",
    "cpu.mode",
)
MEMORY: Final = _each(
    "process.memory.usage",
    "updowncounter",
    "By",
    "Physical memory in use.",
    "process_memory_usage_bytes",
)
VIRTUAL_MEMORY: Final = _each(
    "process.memory.virtual",
    "updowncounter",
    "By",
    "Virtual memory committed.",
    "process_memory_virtual_bytes",
)
FILE_DESCRIPTORS: Final = _each(
    "process.unix.file_descriptor.count",
    "updowncounter",
    "{file_descriptor}",
    "Open file descriptors, sockets among them; not on Windows.",
    "process_unix_file_descriptor_count",
)
FILE_DESCRIPTOR_LIMIT: Final = _each(
    "litellm.process.file_descriptor.limit",
    "gauge",
    "{file_descriptor}",
    "How many may be open; not on Windows.",
    "litellm_process_file_descriptor_limit",
)
THREADS: Final = _each(
    "process.thread.count",
    "updowncounter",
    "{thread}",
    "Threads.",
    "process_thread_count",
)
CONTEXT_SWITCHES: Final = _each(
    "process.context_switches",
    "counter",
    "{context_switch}",
    "Times that the process was taken off a CPU: voluntary when it waits, involuntary when it would "
    "have gone on.",
    "process_context_switches_total",
    "process.context_switch.type",
)
UPTIME: Final = _each(
    "process.uptime",
    "gauge",
    "s",
    "Seconds since the process started.",
    "process_uptime_seconds",
)
GC_COLLECTIONS: Final = _each(
    "cpython.gc.collections",
    "counter",
    "{collection}",
    "Runs of the garbage collector, by generation.",
    "cpython_gc_collections_total",
    "cpython.gc.generation",
)
GC_COLLECTED: Final = _each(
    "cpython.gc.collected_objects",
    "counter",
    "{object}",
    "Objects that it collected.",
    "cpython_gc_collected_objects_total",
    "cpython.gc.generation",
)
GC_UNCOLLECTABLE: Final = _each(
    "cpython.gc.uncollectable_objects",
    "counter",
    "{object}",
    "Objects that it found and could not collect.",
    "cpython_gc_uncollectable_objects_total",
    "cpython.gc.generation",
)
LOOP_DELAY: Final = Metric(
    "litellm.event_loop.delay",
    "histogram",
    "s",
    "How late the proxy's event loop ran a timer, once a second: so long did everything in it wait.",
    (),
    "litellm_event_loop_delay_seconds",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    workers="each",
)
LOOP_DELAY_MAX: Final = _each(
    "litellm.event_loop.delay.max",
    "gauge",
    "s",
    "The longest such delay of the last minute, the one that lasts included.",
    "litellm_event_loop_delay_max_seconds",
)
LOGGING_QUEUE: Final = _each(
    "litellm.logging_worker.queue.size",
    "updowncounter",
    "{task}",
    "Calls that LiteLLM's logging worker has yet to account for; LiteLLM throws half of them away at "
    "its limit.",
    "litellm_logging_worker_queue_size",
)
LOGGING_RUNNING: Final = _each(
    "litellm.logging_worker.running",
    "updowncounter",
    "{task}",
    "Those it is at work on.",
    "litellm_logging_worker_running",
)
POOL_BUSY: Final = _each(
    "litellm.thread_pool.busy",
    "updowncounter",
    "{thread}",
    "Threads at work: `logging` is LiteLLM's for callbacks, `anyio` the web framework's for functions that "
    "are not async, `default` the event loop's.",
    "litellm_thread_pool_busy",
    "pool",
)
POOL_LIMIT: Final = _each(
    "litellm.thread_pool.limit",
    "updowncounter",
    "{thread}",
    "Threads that the pool may have.",
    "litellm_thread_pool_limit",
    "pool",
)
POOL_QUEUE: Final = _each(
    "litellm.thread_pool.queue.size",
    "updowncounter",
    "{task}",
    "What waits for a thread of the pool.",
    "litellm_thread_pool_queue_size",
    "pool",
)
HANGING: Final = Metric(
    "litellm.requests.hanging",
    "updowncounter",
    "{request}",
    "Requests that are under way for longer than `LITELLM_OTEL_HANGING_REQUEST_THRESHOLD`, by the model "
    "asked for; those that never came to a model are `other`.",
    ("model",),
    "litellm_requests_hanging",
)
PROCESS: Final = (
    CPU_TIME,
    MEMORY,
    VIRTUAL_MEMORY,
    FILE_DESCRIPTORS,
    FILE_DESCRIPTOR_LIMIT,
    THREADS,
    CONTEXT_SWITCHES,
    UPTIME,
    GC_COLLECTIONS,
    GC_COLLECTED,
    GC_UNCOLLECTABLE,
    LOOP_DELAY,
    LOOP_DELAY_MAX,
    LOGGING_QUEUE,
    LOGGING_RUNNING,
    POOL_BUSY,
    POOL_LIMIT,
    POOL_QUEUE,
    HANGING,
)
