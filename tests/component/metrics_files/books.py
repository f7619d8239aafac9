"""LiteLLM's database as budgets and counts are read from it: its client's tables, with rows that are given."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from apscheduler.schedulers.asyncio import AsyncIOScheduler

DAY = 24.0
USERS, DEACTIVATED = 120, 3
"""More than LiteLLM reads at a time."""


class Row:
    """A row as the client gives it: fields, and all of them in a dictionary."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def model_dump(self) -> dict[str, Any]:
        return dict(self.__dict__)


class Table:
    """As much of a table of the client's as LiteLLM reads."""

    def __init__(self, rows: Sequence[Row], deactivated: int = 0) -> None:
        self._rows = rows
        self._deactivated = deactivated

    async def find_many(self, *, skip: int = 0, take: int | None = None, **_: Any) -> Sequence[Row]:
        return self._rows[skip : None if take is None else skip + take]

    async def count(self, *, where: Mapping[str, Any] | None = None, **_: Any) -> int:
        return self._deactivated if "metadata" in (where or {}) else len(self._rows)


def _budget(spend: float, of: float, hours: float) -> dict[str, Any]:
    reset = datetime.now(timezone.utc) + timedelta(hours=hours)
    return {"spend": spend, "max_budget": of, "budget_reset_at": reset}


class Books:
    """The client. Of each kind one has a budget, and of some another has none."""

    def __init__(self) -> None:
        self.db = self
        quiet = {"spend": 5.0, "max_budget": None, "budget_reset_at": None}
        of_organization, of_customer = _budget(0, 300.0, 3 * DAY), _budget(0, 50.0, 5 * DAY)
        self.litellm_teamtable = Table(
            [
                Row(team_id="team-booked", team_alias="booked", **_budget(25.0, 200.0, DAY)),
                Row(team_id="team-free", team_alias=None, **quiet),
            ]
        )
        self.litellm_verificationtoken = Table(
            [
                Row(token="hash-booked", key_alias="booked", **_budget(2.5, 10.0, 2 * DAY)),
                Row(token="hash-free", key_alias=None, **quiet),
            ]
        )
        self.litellm_usertable = Table(
            [
                *(
                    Row(user_id=f"user-{n}", user_email=None, user_alias=None, **quiet)
                    for n in range(USERS - 1)
                ),
                Row(
                    user_id="booked",
                    user_email=None,
                    user_alias=None,
                    **_budget(6.0, 5.0, 4 * DAY),
                ),
            ],
            DEACTIVATED,
        )
        self.litellm_organizationtable = Table(
            [
                Row(
                    organization_id="org-booked",
                    organization_alias="booked",
                    spend=100.0,
                    litellm_budget_table=Row(**of_organization),
                )
            ]
        )
        self.litellm_endusertable = Table(
            [Row(user_id="booked", spend=20.0, litellm_budget_table=Row(**of_customer))]
        )


async def read() -> None:
    """The job that LiteLLM's settings ask for, added to a scheduler and run once."""
    from litellm.integrations.prometheus import PrometheusLogger
    from litellm.proxy import proxy_server

    scheduler = AsyncIOScheduler()
    PrometheusLogger.initialize_budget_metrics_cron_job(scheduler=scheduler)
    (job,) = scheduler.get_jobs()
    # The client is generated, by what is not to be had here; this is all that is asked of its module.
    client = SimpleNamespace(Json=lambda value: value)
    with (
        patch.object(proxy_server, "prisma_client", Books()),
        patch.dict(sys.modules, {"prisma": client}),
    ):
        await job.func()
