"""What LiteLLM tells its own Prometheus callback and nobody else → measurements of ours."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from litellm_otel import catalogue, selection
from litellm_otel.model import Measurement
from litellm_otel.reading.budgets import budget
from litellm_otel.reading.numbers import Given, Read
from litellm_otel.reading.providers import shown_model
from litellm_otel.reading.shapes import field_of, items_of, number_of, text_of


def _labels(given: Given, *names: str) -> dict[str, str | None]:
    labels = {name: text_of(given.get(name)) for name in names}
    model = labels.get("model")
    return {**labels, "model": shown_model(model)} if model else labels


def _as_told(metric: catalogue.Metric, value: str | None = None) -> Read:
    """``value``: the argument that has it; one is counted where there is none."""

    def read(given: Given) -> tuple[Measurement, ...]:
        told = 1 if value is None else number_of(given.get(value))
        return (Measurement(metric.name, _labels(given, *metric.attributes), told),)

    return read


def _batches_checked(given: Given) -> tuple[Measurement, ...]:
    accounted = catalogue.BATCHES_ACCOUNTED
    processed = (
        dict(zip(accounted.attributes, items_of(each), strict=False))
        for each in items_of(given.get("processed_models"))
    )
    return (
        Measurement(catalogue.BATCH_CHECK_TIME.name, {}, time.time()),
        Measurement(catalogue.BATCH_CHECK_FOUND.name, {}, number_of(given.get("jobs_polled"))),
        *(Measurement(accounted.name, _labels(each, *accounted.attributes)) for each in processed),
    )


def _members(given: Given) -> tuple[Measurement, ...]:
    team = given.get("team")
    members = len(items_of(field_of(team, "members_with_roles")))
    return (Measurement(catalogue.TEAM_MEMBERS.name, _team(team), members),)


def _team(team: object) -> dict[str, str | None]:
    return {
        "team": text_of(field_of(team, "team_id")),
        "team_alias": text_of(field_of(team, "team_alias")),
    }


TOLD: Final[Mapping[str, Read]] = {
    "record_managed_batch_created": _as_told(catalogue.BATCHES_CREATED),
    "record_managed_batch_duration": _as_told(catalogue.BATCH_DURATION, "duration_seconds"),
    "record_managed_file_created": _as_told(catalogue.FILES_CREATED),
    "record_managed_file_deleted": _as_told(catalogue.FILES_DELETED),
    "record_managed_file_size": _as_told(catalogue.FILE_SIZE, "size_bytes"),
    "record_check_batch_cost_run": _batches_checked,
    "record_check_batch_cost_error": _as_told(catalogue.BATCH_CHECK_FAILURES),
    "set_team_members_metric": _members,
}
"""What is told as it happens, by the method of the callback."""


def _row(holder: str, row: object, labels: dict[str, str | None]) -> tuple[Measurement, ...]:
    return tuple(
        budget(
            catalogue.BUDGETS[holder],
            labels,
            number_of(field_of(row, "spend")),
            number_of(field_of(row, "max_budget")),
            field_of(row, "budget_reset_at"),
        )
    )


def _key_budget(given: Given) -> tuple[Measurement, ...]:
    key = given.get("user_api_key_dict")
    # It is the key's hash that the database has.
    labels = {
        "hashed_api_key": text_of(field_of(key, "token")),
        "api_key_alias": text_of(field_of(key, "key_alias")),
    }
    return _row("key", key, labels)


def _team_budget(given: Given) -> tuple[Measurement, ...]:
    return _row("team", given.get("team"), _team(given.get("team")))


def _user_budget(given: Given) -> tuple[Measurement, ...]:
    user = given.get("user")
    return _row("user", user, {"user": text_of(field_of(user, "user_id"))})


def _organization_budget(given: Given) -> tuple[Measurement, ...]:
    return _row("organization", given, _labels(given, "org_id", "org_alias"))


def _customer_budget(given: Given) -> tuple[Measurement, ...]:
    if not selection.current().end_users:
        return ()
    return _row("end_user", given, {"end_user": text_of(given.get("end_user_id"))})


BUDGETS: Final[Mapping[str, Read]] = {
    "_set_key_budget_metrics": _key_budget,
    "_set_team_budget_metrics": _team_budget,
    "_set_user_budget_metrics": _user_budget,
    "_set_org_budget_metrics": _organization_budget,
    "_set_customer_budget_metrics": _customer_budget,
}
"""What its job reads of the database, by the method of the callback that it is handed to."""
COUNTS: Final[Mapping[str, catalogue.Metric]] = {
    "litellm_total_users_metric": catalogue.USERS,
    "litellm_active_users_metric": catalogue.ACTIVE_USERS,
    "litellm_teams_count_metric": catalogue.TEAMS,
}
"""What that job counts, by the callback's attribute."""


def counted(attribute: str, value: object) -> tuple[Measurement, ...]:
    """What the job sets one of these to."""
    return (Measurement(COUNTS[attribute].name, {}, number_of(value)),)
