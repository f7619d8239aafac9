"""The metrics of what LiteLLM's database has: users, teams, and batches and files that it manages."""

from __future__ import annotations

from typing import Final

from litellm_otel.catalogue.labels import TEAM
from litellm_otel.catalogue.metric import Metric, counter, gauge

USERS: Final = gauge("litellm_total_users", "{user}", "Users in LiteLLM's database.")
ACTIVE_USERS: Final = gauge(
    "litellm_active_users", "{user}", "Users in it who were not deactivated by SCIM."
)
TEAMS: Final = gauge("litellm_teams_count", "{team}", "Teams in it.")
TEAM_MEMBERS: Final = gauge(
    "litellm_team_members_metric",
    "{member}",
    "Members of a team, since they last changed.",
    *TEAM,
)
_CREATED: Final = ("model", "api_provider", "user", "user_email", "api_key_alias")
BATCHES_CREATED: Final = counter(
    "litellm_managed_batch_created", "{batch}", "Batches that LiteLLM manages, created.", *_CREATED
)
BATCH_DURATION: Final = Metric(
    "litellm_managed_batch_duration_seconds",
    "histogram",
    "{second}",
    "Seconds from a batch's creation to its completion.",
    ("model", "api_provider"),
    "litellm_managed_batch_duration_seconds",
    (
        *(60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0),
        *(7200.0, 14400.0, 28800.0, 43200.0, 86400.0),
    ),
)
FILES_CREATED: Final = counter(
    "litellm_managed_file_created", "{file}", "Files that LiteLLM manages, created.", *_CREATED
)
FILES_DELETED: Final = counter(
    "litellm_managed_file_deleted",
    "{file}",
    "Attempts to delete one of them: `success` or `blocked`.",
    "result",
)
FILE_SIZE: Final = gauge(
    "litellm_managed_file_size_bytes",
    "{byte}",
    "Size of the newest of them.",
    "purpose",
    "file_type",
    "model",
    "api_provider",
    "user",
)
BATCH_CHECK_TIME: Final = gauge(
    "litellm_check_batch_cost_last_run_timestamp",
    "{second}",
    "When LiteLLM last looked for batches to account for, in seconds since the Unix epoch.",
)
BATCH_CHECK_FOUND: Final = gauge(
    "litellm_check_batch_cost_jobs_polled", "{batch}", "Batches that it found then."
)
BATCHES_ACCOUNTED: Final = counter(
    "litellm_check_batch_cost_jobs_processed",
    "{batch}",
    "Batches that it has accounted for.",
    "model",
    "api_provider",
)
BATCH_CHECK_FAILURES: Final = counter(
    "litellm_check_batch_cost_errors",
    "{failure}",
    "Batches that it could not account for, by what was wrong.",
    "error_type",
)
ACCOUNTS: Final = (
    USERS,
    ACTIVE_USERS,
    TEAMS,
    TEAM_MEMBERS,
    BATCHES_CREATED,
    BATCH_DURATION,
    FILES_CREATED,
    FILES_DELETED,
    FILE_SIZE,
    BATCH_CHECK_TIME,
    BATCH_CHECK_FOUND,
    BATCHES_ACCOUNTED,
    BATCH_CHECK_FAILURES,
)
