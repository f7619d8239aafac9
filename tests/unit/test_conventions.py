"""Every attribute name is one of the released semantic conventions', or documented as our own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from litellm_otel import catalogue
from litellm_otel.emit import names
from tests import conventions

DOCS = Path(__file__).parents[2] / "docs"
RELEASED = conventions.released()


@pytest.mark.parametrize("constant", conventions.used())
def test_is_released(constant: str) -> None:
    name = conventions.used()[constant]
    assert name in RELEASED or name in conventions.EXCEPTIONS


@pytest.mark.parametrize("name", conventions.EXCEPTIONS)
def test_exception_is_still_needed(name: str) -> None:
    assert name not in RELEASED, "released meanwhile: no exception any more"


def test_withdrawn_names_are_told_apart() -> None:
    assert "gen_ai.request.model" in RELEASED
    assert "gen_ai.usage.cache_write.input_tokens" in RELEASED  # in util-genai only
    assert "gen_ai.system" not in RELEASED
    assert "gen_ai.usage.prompt_tokens" not in RELEASED


def test_every_name_has_a_type() -> None:
    used = {name for name in conventions.used().values() if name != names.EVENT_OPERATION_DETAILS}
    assert used <= set(conventions.TYPES)
    assert not set(conventions.TYPES) - used - {"exception.message"}, "no longer used"


def test_every_name_of_our_own_is_documented() -> None:
    ours = {
        value
        for constant, value in vars(names).items()
        if constant.startswith("LITELLM_") and isinstance(value, str)
    }
    documented = {name.rstrip("*") for name in conventions.own()}
    assert not ours - documented
    kinds = {"string", "int", "double", "boolean", "string[]"}
    assert set(conventions.own().values()) <= kinds


def test_the_pages_name_no_attribute_that_is_none() -> None:
    known = {*conventions.own(), *conventions.TYPES, *RELEASED}
    known |= {value for value in vars(names).values() if isinstance(value, str)}
    known |= {metric.name for metric in catalogue.CATALOGUE}
    known |= {name for metric in catalogue.CATALOGUE for name in metric.attributes}
    families = {name.rsplit(".", 1)[0] for name in known} | {
        name[: -len(".*")] for name in known if name.endswith(".*")
    }
    for page in ("telemetry.md", "calls.md", "attributes.md"):
        text = (DOCS / page).read_text(encoding="utf-8")
        told = re.findall(r"`((?:gen_ai|litellm)\.[\w.]*[\w*])`", text)
        assert told
        unknown = [
            name
            for name in told
            if name not in known and not (name.endswith(".*") and name[:-2] in families)
        ]
        assert not unknown, page


# What LiteLLM's own OpenTelemetry integration calls so, for want of a convention.
LITELLMS = {catalogue.COST.name, catalogue.RESPONSE_DURATION.name}


def test_metrics_of_the_conventions_are_released() -> None:
    theirs = {
        metric.name for metric in catalogue.CATALOGUE if not metric.name.startswith("litellm")
    }
    assert theirs - RELEASED == LITELLMS
