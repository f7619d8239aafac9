"""Runs inside the proxy: what LiteLLM does only with a database, and its queues in Redis, when asked to.

There is no engine for LiteLLM's database in the tests. Its own jobs and queues run here all the same, on
answers in place of the database's; what it has no code for is told by its service events.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta, timezone
from typing import Any

import books
import callers
import httpx
from litellm._service_logger import ServiceLogging
from litellm.caching.redis_cache import RedisCache
from litellm.integrations.custom_logger import CustomLogger
from litellm.integrations.prometheus import PrometheusLogger
from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER
from litellm.proxy import proxy_server
from litellm.proxy._types import (
    LiteLLM_BudgetTable,
    LiteLLM_EndUserTable,
    Litellm_EntityType,
    LiteLLM_TeamTable,
    Member,
    UserAPIKeyAuth,
)
from litellm.proxy.batches_endpoints.litellm_executed_batches import _record_batch_created
from litellm.proxy.common_utils.reset_budget_job import ResetBudgetJob
from litellm.proxy.db.db_transaction_queue.daily_spend_update_queue import DailySpendUpdateQueue
from litellm.proxy.db.db_transaction_queue.pod_lock_manager import PodLockManager
from litellm.proxy.db.db_transaction_queue.redis_update_buffer import RedisUpdateBuffer
from litellm.proxy.db.db_transaction_queue.spend_log_cleanup import SpendLogCleanup
from litellm.proxy.db.db_transaction_queue.spend_update_queue import SpendUpdateQueue
from litellm.proxy.db.db_transaction_queue.window_spend_update_queue import WindowSpendUpdateQueue
from litellm.proxy.db.log_db_metrics import record_db_io
from litellm.proxy.management_endpoints.team_endpoints import _emit_team_members_metric
from litellm.proxy.spend_tracking.spend_capture_rate import run_spend_capture_rate_check
from litellm.types.proxy.spend_capture_rate import SpendCaptureRateCheckSettings
from litellm.types.services import ServiceTypes
from prometheus_client import REGISTRY


async def user_api_key_auth(request: Any, api_key: str) -> UserAPIKeyAuth | None:
    """Of the master key LiteLLM decides itself, and only then does it tell of authentication."""
    customer = LiteLLM_EndUserTable(
        user_id="customer-1",
        blocked=False,
        spend=20.0,
        litellm_budget_table=LiteLLM_BudgetTable(max_budget=80.0),
    )
    # As LiteLLM keeps a customer there that it has read from its database.
    await proxy_server.user_api_key_cache.async_set_cache(
        key="end_user_id:customer-1", value=customer, model_type=LiteLLM_EndUserTable
    )
    if api_key == proxy_server.master_key:
        return None
    return await callers.user_api_key_auth(request, api_key)


class FailsToLog(CustomLogger):
    """A user's callback with a bug that shows for one caller."""

    async def async_log_success_event(self, kwargs: dict[str, Any], *_: Any, **__: Any) -> None:
        metadata = kwargs["litellm_params"].get("metadata") or {}
        if metadata.get("user_api_key_alias") == "kim":
            raise RuntimeError("the user's callback broke")


fails_to_log = FailsToLog()


class Database:
    """Answers as LiteLLM's client of its database does: rows that are given, or a failure."""

    def __init__(self, *answers: int | Exception) -> None:
        self.db = self
        self.transactions = 0
        self._answers = list(answers)

    @asynccontextmanager
    async def tx(self) -> AsyncIterator[Database]:
        self.transactions += 1
        yield self

    async def execute_raw(self, statement: str, *_: Any) -> int:
        record_db_io()  # as LiteLLM's own client does where it reaches the engine
        if statement.startswith("SET "):
            return 0
        answer = self._answers.pop(0) if self._answers else 0
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def query_raw(self, statement: str, *_: Any) -> list[dict[str, Any]]:
        record_db_io()
        if "remaining" in statement:
            return [{"remaining": 7}]
        return [{"date": _yesterday().isoformat(), "spend": 30.0}]

    async def get_data(self, **_: Any) -> list[Any]:
        answer = self._answers.pop(0) if self._answers else 0
        if isinstance(answer, Exception):
            raise answer
        return []


def _yesterday() -> date:
    return datetime.now(timezone.utc).date() - timedelta(days=1)


async def cleans_up() -> dict[str, Any]:
    """Two batches of spend logs go, one can't be deleted."""
    database: Any = Database(3, httpx.ConnectError("the database is gone"), 2)
    job = SpendLogCleanup(general_settings={"maximum_spend_logs_retention_period": "1d"})
    await job.cleanup_old_spend_logs(database)
    return {"transactions": database.transactions}


async def checks_spend() -> dict[str, Any]:
    """The provider's bill is 40 dollars; LiteLLM's books have 30."""
    midnight = datetime.combine(_yesterday(), datetime.min.time(), timezone.utc)
    billed = {
        "start_time": int(midnight.timestamp()),
        "end_time": int(midnight.timestamp()) + 86400,
        "results": [{"amount": {"value": 40.0, "currency": "usd"}}],
    }

    async def bill(*_: Any, **__: Any) -> httpx.Response:
        return httpx.Response(200, json={"data": [billed], "has_more": False})

    async def alerted(_: str) -> None: ...

    database: Any = Database()
    results = await run_spend_capture_rate_check(
        database,
        SpendCaptureRateCheckSettings(providers=("openai",), lookback_days=1),
        alert=alerted,
        publish=lambda *_: None,
        http_get=bill,
    )
    return {"results": [str(result) for result in results]}


async def resets_budgets() -> dict[str, Any]:
    """Keys, of which none is due; then users, who can't be read."""
    database: Any = Database(0, RuntimeError("the database is gone"))
    job = ResetBudgetJob(proxy_server.proxy_logging_obj, database)
    await job.reset_budget_for_litellm_keys()
    await job.reset_budget_for_litellm_users()
    return {}


def _redis() -> RedisCache:
    """The proxy's own."""
    cache: Any = proxy_server.redis_usage_cache
    assert isinstance(cache, RedisCache)
    return cache


async def queues_spend() -> dict[str, Any]:
    """One update of every kind that waits in the process, then in Redis; some go in a second time."""
    window = {
        "entity_type": "key",
        "entity_id": "ada",
        "window_duration": "1d",
        "window_start": "2026-01-01T00:00:00",
        "spend": 1.0,
        "started_at": None,
    }
    buffer = RedisUpdateBuffer(_redis())

    async def once() -> None:
        spend, daily = SpendUpdateQueue(), [DailySpendUpdateQueue() for _ in range(6)]
        windows: Any = WindowSpendUpdateQueue()
        await spend.add_update(
            {"entity_type": Litellm_EntityType.USER, "entity_id": "ada", "response_cost": 1.0}
        )
        of_today: Any = dict.fromkeys(
            (
                *("spend", "prompt_tokens", "completion_tokens", "api_requests"),
                *("successful_requests", "failed_requests"),
            ),
            0,
        )
        for queue in daily:
            await queue.add_update({"ada": of_today})
        await windows.add_update(window)
        await spend._emit_new_item_added_to_queue_event(spend.update_queue.qsize())
        await daily[0]._emit_new_item_added_to_queue_event(daily[0].update_queue.qsize())
        *others, tags = daily
        await buffer.store_in_memory_spend_updates_in_redis(spend, *others, windows)
        await buffer.store_in_memory_daily_tag_spend_updates_in_redis(tags)

    await once()
    await once()
    return {}


async def holds_locks() -> dict[str, Any]:
    """A lock that is held, and one that is let go."""
    manager = PodLockManager(_redis())
    for job in ("held", "released"):
        for _ in range(2):  # LiteLLM tells of a lock when its holder asks for it again
            assert await manager.acquire_lock(job)
    await manager.release_lock("released")
    return {"pod": manager.pod_id}


async def loses_redis(port: int) -> dict[str, Any]:
    """Nobody listens at that port: as often as it takes to open the breaker."""
    cache = RedisCache(host="127.0.0.1", port=port, socket_connect_timeout=1)
    asked = 0
    while cache._circuit_breaker._state == "closed":
        asked += 1
        assert asked < 20
        try:
            await cache.async_set_cache("key", "value")
        except Exception as error:
            _ = error
    return {"asked": asked}


async def reads_books() -> dict[str, Any]:
    """What LiteLLM reads of its database for its Prometheus callback."""
    await books.read()
    return {"users": books.USERS, "deactivated": books.DEACTIVATED}


async def tells_its_callback() -> dict[str, Any]:
    """What LiteLLM, and its enterprise package, tell a Prometheus callback, which is not there."""
    ada = UserAPIKeyAuth(user_id="ada", user_email="ada@example.com", key_alias="ada")
    _record_batch_created("gpt-4o", "openai", ada)
    members = [Member(user_id=each, role="user") for each in ("ada", "bob", "kim")]
    _emit_team_members_metric(
        LiteLLM_TeamTable(team_id="team-7", team_alias="analysts", members_with_roles=members)
    )
    callback: Any = PrometheusLogger.get_instance()
    callback.record_managed_file_created("gpt-4o", "openai", "ada", "ada@example.com", "ada")
    callback.record_managed_file_size(
        size_bytes=2048,
        purpose="batch",
        file_type="input",
        model="gpt-4o",
        api_provider="openai",
        user="ada",
    )
    callback.record_managed_file_deleted(result="success")
    callback.record_managed_batch_duration(0.0, model="gpt-4o", api_provider="openai")
    callback.record_check_batch_cost_error("invalid_unified_id")
    before = time.time()
    callback.record_check_batch_cost_run(jobs_polled=4, processed_models=[("gpt-4o", "openai")])
    return {"between": [before, time.time()]}


async def tells(service: str, failed: bool) -> dict[str, Any]:
    """LiteLLM's own event of a service, where nothing that runs here makes it."""
    logging = ServiceLogging()
    if failed:
        await logging.async_service_failure_hook(
            service=ServiceTypes(service), duration=0.2, error=KeyError("x"), call_type="told"
        )
    else:
        await logging.async_service_success_hook(
            service=ServiceTypes(service), duration=0.2, call_type="told"
        )
    return {}


async def keeps_books() -> dict[str, Any]:
    """Until what calls used is counted, which LiteLLM does after its answer."""
    await GLOBAL_LOGGING_WORKER.flush()
    return {}


async def counted() -> dict[str, float]:
    """What LiteLLM's own ``prometheus_system`` callback counted of its services, by sample."""
    return {
        sample.name: sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name.endswith(("_total_requests_total", "_latency_count"))
    }


JOBS: tuple[Callable[..., Any], ...] = (
    cleans_up,
    checks_spend,
    resets_budgets,
    queues_spend,
    holds_locks,
    loses_redis,
    reads_books,
    tells_its_callback,
    tells,
    keeps_books,
    counted,
)
for job in JOBS:
    proxy_server.app.post(f"/driven/{job.__name__}")(job)
