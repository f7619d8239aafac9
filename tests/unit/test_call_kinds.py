"""The table of call kinds: whole, consistent, and found by the names LiteLLM uses."""

from __future__ import annotations

from dataclasses import fields

import pytest

from litellm_otel.emit.attributes import PARAMETERS
from litellm_otel.model import Parameters
from litellm_otel.reading.arguments import parameters_of, target_of
from litellm_otel.reading.call_kinds import CALL_KINDS
from litellm_otel.reading.entry_point import entry_point_of, named


def test_every_kept_argument_has_a_field_and_an_attribute() -> None:
    known = {item.name for item in fields(Parameters)}
    assert {name for name, _ in PARAMETERS} == known
    for kind in CALL_KINDS:
        assert {reader.field for reader in kind.parameters} <= known, kind.name


def test_no_function_is_in_the_table_twice() -> None:
    names = [name for kind in CALL_KINDS for name in kind.operations]
    assert len(names) == len(set(names))
    assert len({kind.name for kind in CALL_KINDS}) == len(CALL_KINDS)


def test_what_is_measured_has_a_unit_and_the_other_way_round() -> None:
    for kind in CALL_KINDS:
        assert bool(kind.unit) == (kind.quantity is not None), kind.name


@pytest.mark.parametrize(
    ("name", "package", "operation", "shown"),
    [
        ("completion", "main", "chat", "completion"),
        ("acompletion", "main", "chat", "acompletion"),
        ("add_message", "assistants", "add_message", "add_message"),
        ("a_add_message", "assistants", "add_message", "a_add_message"),
        ("_arealtime", "realtime_api", "realtime", "arealtime"),
        ("search", "vector_stores", "retrieval", "vector_stores.search"),
        ("asearch", "vector_stores", "retrieval", "vector_stores.asearch"),
        ("search", "search", "search", "search.search"),
        ("acreate", "interactions.agents", "create_agent", "interactions.agents.acreate"),
        ("acreate", "interactions", "chat", "interactions.acreate"),
        ("asend_message", "a2a_protocol", "invoke_agent", "a2a_protocol.asend_message"),
    ],
)
def test_found_by_name(name: str, package: str, operation: str, shown: str) -> None:
    found = named(name, package)
    assert (found.operation, found.name, found.known) == (operation, shown, True)


def test_an_unknown_function_is_an_operation_of_its_own() -> None:
    def acontemplate(model: str, prompt: str = "") -> None: ...

    found = entry_point_of(acontemplate)
    assert (found.operation, found.known) == ("acontemplate", False)
    assert found.positional == ("model", "prompt")
    assert found.arguments(("gpt",), {"prompt": "x"}) == {"model": "gpt", "prompt": "x"}


def test_arguments_by_position_and_the_default_provider() -> None:
    def create_file(file: object, purpose: str, custom_llm_provider: str = "openai") -> None: ...

    found = entry_point_of(create_file)
    assert found.default_provider == "openai"
    assert found.arguments((b"", "batch"), {})["purpose"] == "batch"


def test_functions_made_in_a_loop_have_the_names_the_loop_gives_them() -> None:
    def make(endpoint_name: str) -> tuple[object, object]:
        def endpoint_func() -> str:
            return endpoint_name

        sync_func = endpoint_func

        async def async_endpoint_func() -> object:
            return sync_func()

        return endpoint_func, async_endpoint_func

    made, twin = make("list_container_files")
    assert entry_point_of(made).operation == "list_container_files"  # pyright: ignore[reportArgumentType]
    assert entry_point_of(twin).name == "alist_container_files"  # pyright: ignore[reportArgumentType]


def read(name: str, **arguments: object) -> Parameters:
    return parameters_of(named(name).kind, arguments)


def test_parameters_of_chat() -> None:
    found = read(
        "completion",
        temperature=1,
        top_k=3.0,
        max_tokens=5,
        n=2,
        stop="end",
        reasoning_effort="high",
        response_format={"type": "json_object"},
        service_tier="flex",
        seed=True,
        messages="never kept",
    )
    assert found == Parameters(
        temperature=1.0,
        top_k=3,
        max_tokens=5,
        choice_count=2,
        stop_sequences=("end",),
        reasoning_level="high",
        output_type="json",
        service_tier="flex",
    )


def test_parameters_of_the_responses_api() -> None:
    found = read(
        "responses",
        reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", "schema": {}}},
        previous_response_id="resp_1",
        max_output_tokens=9,
    )
    assert found == Parameters(
        reasoning_level="low", output_type="json", previous_response_id="resp_1", max_tokens=9
    )


@pytest.mark.parametrize(
    "given",
    [
        {"temperature": 0.5, "max_output_tokens": 7, "stop_sequences": ["a", "b"]},
        {"temperature": 0.5, "maxOutputTokens": 7, "stopSequences": ["a", "b"]},
    ],
    ids=["snake", "camel"],
)
@pytest.mark.parametrize("argument", ["config", "generationConfig"])
def test_parameters_of_google(argument: str, given: dict[str, object]) -> None:
    found = read("generate_content", **{argument: given})
    assert found == Parameters(temperature=0.5, max_tokens=7, stop_sequences=("a", "b"))


@pytest.mark.parametrize("value", [object(), [], {}, "text", None])
def test_what_has_another_shape_is_left_out(value: object) -> None:
    found = read("completion", temperature=value, max_tokens=value, response_format=value)
    assert found == Parameters()


def test_what_is_called() -> None:
    tool = named("call_mcp_tool")
    assert target_of(tool, {"name": "add", "model": "m"}) == "add"
    assert target_of(tool, {"name": 3}) == ""
    assert target_of(named("completion"), {"model": "m"}) is None
    assert target_of(named("create_file"), {"model": "m"}) == ""
