"""The metrics of what LiteLLM's database has, and of budgets that are known from there alone."""

from __future__ import annotations

from collections.abc import Iterator

from litellm_otel import catalogue
from tests.stack.metrics_traffic.row import By, Facts, Row
from tests.stack.metrics_traffic.traffic import Traffic

OF_ADA: Facts = {
    "model": "gpt-4o",
    "api_provider": "openai",
    "user": "ada",
    "user_email": "ada@example.com",
    "api_key_alias": "ada",
}
FILE: Facts = {**OF_ADA, "purpose": "batch", "file_type": "input", "result": "success"}
ANALYSTS: Facts = {"team": "team-7", "team_alias": "analysts"}
DAY = 24.0


def _rows() -> Iterator[Row]:
    for metric, value, facts in (
        (catalogue.TEAM_MEMBERS, 3, ANALYSTS),
        (catalogue.BATCHES_CREATED, 1, OF_ADA),
        (catalogue.BATCH_DURATION, 1, OF_ADA),
        (catalogue.FILES_CREATED, 1, OF_ADA),
        (catalogue.FILES_DELETED, 1, FILE),
        (catalogue.FILE_SIZE, 2048, FILE),
        (catalogue.BATCH_CHECK_FOUND, 4, {}),
        (catalogue.BATCHES_ACCOUNTED, 1, OF_ADA),
        (catalogue.BATCH_CHECK_FAILURES, 1, {"error_type": "invalid_unified_id"}),
    ):
        yield Row(metric, lambda _, value=value: value, facts, by=By.CALLBACK)


def _checked(traffic: Traffic) -> tuple[float, float]:
    earliest, latest = traffic.driven["tells_its_callback"]["between"]
    return earliest, latest


def _active(traffic: Traffic) -> float:
    counted = traffic.driven["reads_books"]
    return counted["users"] - counted["deactivated"]


ACCOUNTS = (
    *_rows(),
    Row(catalogue.BATCH_CHECK_TIME, _checked, by=By.CALLBACK),
    Row(catalogue.USERS, lambda t: t.driven["reads_books"]["users"], by=By.JOBS),
    Row(catalogue.ACTIVE_USERS, _active, by=By.JOBS),
    Row(catalogue.TEAMS, lambda _: 2, by=By.JOBS),
    Row(
        catalogue.BUDGETS["organization"].hours,
        lambda _: 3 * DAY,
        {"org_id": "org-booked", "org_alias": "booked"},
        by=By.JOBS,
        tolerance=0.5,
    ),
    Row(
        catalogue.BUDGETS["end_user"].hours,
        lambda _: 5 * DAY,
        {"end_user": "booked"},
        by=By.JOBS,
        tolerance=0.5,
    ),
)
