import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.checks.tool_calls import check_tool_calls
from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.findings import Finding, Place
from tunery.data.records import Judged, Preference, Record, Reinforcement, Text

PLACE = Place("rows.jsonl", 4)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
USER = Message("user", "How warm is it?")
SEND = Message("assistant", "Warm.")


def tool(name: object = "weather", parameters: object = CITY) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


WEATHER = json.dumps([tool()])


def call(arguments: str = '{"city": "Oslo"}', name: str = "weather", id: str = "a") -> Message:
    return Message("assistant", "", tool_calls=(ToolCall(name, arguments, id),))


def result(id: str = "a") -> Message:
    return Message("tool", "12", tool_call_id=id)


def found(*turns: Message, tools: str = WEATHER, parallel: bool | None = None) -> list[Finding]:
    row = Conversation((USER, *turns), tools=tools, parallel_tool_calls=parallel)
    return list(check_tool_calls(row, PLACE))


def codes(*turns: Message, tools: str = WEATHER, parallel: bool | None = None) -> list[str]:
    return [finding.code for finding in found(*turns, tools=tools, parallel=parallel)]


def test_good_calls_have_no_finding() -> None:
    assert codes(SEND, tools="") == []
    assert codes(call()) == []
    assert codes(call(), result(), SEND) == []
    assert codes(call(id=""), result(""), SEND) == []
    assert codes(call(id=""), result("x"), SEND) == []
    assert codes(call("{}", name="now"), tools=json.dumps([{"name": "now"}])) == []


def test_arguments_in_python_syntax_are_named_as_such() -> None:
    [finding] = found(call("{'city': 'Oslo', 'now': True}"))
    assert (finding.code, finding.severity) == ("tool_calls.arguments_not_json", "error")
    assert "at character 2" in finding.message
    assert "json.dumps(arguments)" in finding.hint


@pytest.mark.parametrize("text", ['{"city": }', "city=Oslo", '{"city": NaN}', '{"a": 1}}', "[" * 9])
def test_arguments_that_are_not_json(text: str) -> None:
    [finding] = found(call(text))
    assert finding.code == "tool_calls.arguments_not_json"
    assert "Python" not in finding.hint


def test_empty_and_deep_arguments() -> None:
    [empty] = found(call(""))
    assert "Write {}" in empty.hint
    [deep] = found(call("[" * 100_000))
    assert "nested too deeply" in deep.message


def test_arguments_encoded_twice_or_no_object() -> None:
    assert codes(call(json.dumps('{"city": "Oslo"}'))) == ["tool_calls.arguments_encoded_twice"]
    for other in ('"Oslo"', "3", "[1]", "null", json.dumps("{")):
        assert codes(call(other)) == ["tool_calls.arguments_not_object"]
    assert codes(call(json.dumps("[" * 100_000))) == ["tool_calls.arguments_not_object"]


def test_an_unknown_tool_has_its_nearest_named() -> None:
    [finding] = found(call(name="wheather"))
    assert finding.code == "tool_calls.unknown_tool"
    assert finding.hint == 'Did you mean "weather"?'
    [finding] = found(call(name="xyz"))
    assert finding.hint == "Add the tool, or correct the name."


def test_arguments_that_break_the_schema_without_their_values() -> None:
    [finding] = found(call('{"city": 987654}'))
    assert finding.code == "tool_calls.arguments_break_schema"
    assert finding.message.startswith('"city" of the arguments')
    assert "987654" not in finding.message
    [finding] = found(call("{}"))
    assert '"city" is a required property' in finding.message
    big = json.dumps([tool(parameters={"enum": ["x" * 300]})])
    assert "…" in found(call(), tools=big)[0].message


def test_what_cannot_be_compared_is_said() -> None:
    half = '{"city": "\\ud83d"}'
    enum = {"properties": {"city": {"enum": ["Oslo"]}}}
    assert codes(call(half), tools=json.dumps([tool(parameters=enum)])) == [
        "tool_calls.arguments_not_compared"
    ]
    long = json.dumps({"city": "x" * 1_000_001})
    assert codes(call(long)) == ["tool_calls.arguments_not_compared"]


def test_results_and_calls_belong_together() -> None:
    assert codes(result(), SEND) == ["tool_calls.result_without_call"]
    assert codes(call(), result("b"), SEND) == [
        "tool_calls.unknown_id",
        "tool_calls.missing_result",
    ]
    assert codes(call(), SEND) == ["tool_calls.missing_result"]
    assert codes(call(), result(), result(), SEND) == ["tool_calls.unknown_id"]
    assert codes(call(id=""), SEND) == ["tool_calls.missing_result"]
    assert codes(call(), result(), call(), result(), SEND) == []


def test_several_calls_in_a_turn() -> None:
    both = Message("assistant", "", tool_calls=(*call().tool_calls, *call(id="b").tool_calls))
    assert codes(both, result("b"), result("a"), SEND) == []
    assert codes(both, parallel=False) == ["tool_calls.parallel"]
    assert codes(both, result("a"), SEND) == ["tool_calls.missing_result"]


def test_calls_without_tools() -> None:
    assert codes(call(), tools="") == ["tool_calls.no_tools"]


@pytest.mark.parametrize(
    ("tools", "code"),
    [
        ([3], "tools.no_name"),
        ([tool(name="")], "tools.no_name"),
        ([tool(name=None)], "tools.no_name"),
        ([{"function": 3}], "tools.no_name"),
        ([tool(), tool()], "tools.duplicate_name"),
        ([tool(parameters=[])], "tools.bad_parameters"),
        ([tool(parameters={"type": "strin"})], "tools.bad_parameters"),
        ([tool(parameters={"pattern": "("})], "tools.bad_parameters"),
        ([tool(parameters={"$ref": "#/nowhere"})], "tools.bad_parameters"),
        ([tool(parameters={"title": "\ud83d"})], "tools.bad_parameters"),
        ({"name": "weather"}, "tools.not_list"),
    ],
)
def test_faults_of_the_list(tools: object, code: str) -> None:
    assert codes(SEND, tools=json.dumps(tools)) == [code]


def test_a_list_that_is_no_json() -> None:
    assert codes(SEND, tools="[") == ["tools.not_list"]
    assert codes(SEND, tools="[" * 100_000) == ["tools.not_list"]


@pytest.mark.parametrize("ref", ["http://127.0.0.1:9/schema.json", "file:///etc/hostname"])
def test_nothing_is_fetched(ref: str) -> None:
    [finding] = found(SEND, tools=json.dumps([tool(parameters={"$ref": ref})]))
    assert finding.code == "tools.bad_parameters"


def test_a_pattern_of_a_schema_cannot_hang() -> None:
    schema = {"properties": {"city": {"pattern": "^(?=(a+)+b)(a|a)*$"}}}
    started = time.perf_counter()
    found(call(json.dumps({"city": "a" * 5_000})), tools=json.dumps([tool(parameters=schema)]))
    assert time.perf_counter() - started < 1


def test_other_kinds_of_records() -> None:
    bad = call("{")
    worse: list[Record] = [
        Text("{"),
        Preference((USER,), (SEND,), (bad,), tools=WEATHER),
        Judged((USER,), (bad,), good=False),
        Reinforcement((USER,), "{}", tools=WEATHER),
    ]
    assert not [f for row in worse for f in check_tool_calls(row, PLACE)]
    taught: list[Record] = [
        Preference((USER,), (bad,), (SEND,), tools=WEATHER),
        Judged((USER,), (bad,), good=True),
        Reinforcement((USER, bad), "{}", tools=WEATHER),
    ]
    for row in taught:
        assert "tool_calls.arguments_not_json" in [f.code for f in check_tool_calls(row, PLACE)]


@given(st.text(), st.text(), st.text())
def test_any_text_ends_in_findings(tools: str, name: str, arguments: str) -> None:
    found(call(arguments, name=name), tools=tools)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["type", "properties", "$ref", "items", "enum", "a", "required"]), x
            )
        ),
    )
)
def test_any_schema_ends_in_findings(schema: object) -> None:
    found(call(), tools=json.dumps([tool(parameters=schema)]))
