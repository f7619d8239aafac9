"""Who asked, wherever in a call's arguments LiteLLM has left word of that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from litellm_otel.reading.arguments import identity_in

HASH = "0123456789abcdef" * 4
ADA = {"user_api_key_hash": HASH, "user_api_key_alias": "ada"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"metadata": ADA},
        {"litellm_metadata": ADA},
        # The Router's own beside the proxy's, as on the routes of videos and containers.
        {"litellm_metadata": {"model_group": "films"}, "metadata": ADA},
        # The provider's own beside the proxy's, as on those of messages.
        {"litellm_metadata": ADA, "metadata": {"user_id": "somebody"}},
        {"user_api_key_auth": SimpleNamespace(api_key=HASH, key_alias="ada")},
    ],
)
def test_the_key(arguments: dict[str, Any]) -> None:
    identity = identity_in(arguments)
    assert (identity.key_hash, identity.key_alias) == (HASH, "ada")


def test_a_key_that_is_not_hashed_is_not_read() -> None:
    identity = identity_in({"user_api_key_auth": SimpleNamespace(api_key="sk-of-ada-0123")})
    assert identity.key_hash is None
