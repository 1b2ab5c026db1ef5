import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.errors import DataError
from tunery.models import exact_json
from tunery.models.tool_text import CALL, Reply, as_plain, object_of, read_answer, write_answer

TOOLS = json.dumps(
    [{"type": "function", "function": {"name": "fly", "parameters": {"type": "object"}}}]
)
ASK = Message("user", "Up!")
LETTERS = st.characters(exclude_categories=["Cs"])
ANY_TEXT = st.text(LETTERS, max_size=12) | st.sampled_from(
    ["</tool_call>", "<tool_call>", "<tool_call>\n{}\n</tool_call>", "{", "\n", " "]
)
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(
    ToolCall, ANY_TEXT, st.dictionaries(ANY_TEXT, VALUE, max_size=3).map(exact_json.write)
)
CONTENT = st.text(LETTERS, max_size=12).filter(lambda text: CALL not in text)


def calls(*names: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(name, "{}", f"id_{name}") for name in names)


@settings(max_examples=300, deadline=None)
@given(CONTENT, st.lists(CALLS, max_size=3))
@example("\n", [ToolCall("f", "{}")])
@example("a\n", [ToolCall("f", "{}"), ToolCall("g", "{}")])
@example("", [])
def test_what_was_written_is_read_back(content, made):
    assert read_answer(write_answer(content, made)) == Reply(content, tuple(made))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([CALL, "</tool_call>", '{"name": "f"', "}", "\n", "x", "[", '"'])))
def test_any_text_is_read(parts):
    reply = read_answer("".join(parts))
    assert all(isinstance(object_of(call.arguments), dict) for call in reply.calls)


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "f", "arguments": {}}',  # cut off
        '<tool_call>{"name": 1, "arguments": {}}</tool_call>',
        '<tool_call>{"name": "f", "arguments": []}</tool_call>',
        '<tool_call>{"name": "f", "arguments": {"a": NaN}}</tool_call>',
        "<tool_call>[1]</tool_call>",
        "<tool_call>" + "[" * 100_000,
        "plain\n",
    ],
)
def test_what_only_looks_like_a_call_stays_text(text):
    assert read_answer(text) == Reply(text, ())


def test_text_around_calls_is_kept():
    text = '<tool_call>{"name": "f"}</tool_call>\n<tool_call>broken</tool_call> then'
    assert read_answer(text) == Reply(
        "\n<tool_call>broken</tool_call> then", (ToolCall("f", "{}"),)
    )


def test_tools_calls_and_results_become_text():
    plain = as_plain(
        Conversation(
            (
                Message("system", "Be brief."),
                ASK,
                Message("assistant", "Well.", 0.0, calls("fly", "look")),
                Message("tool", "seen", tool_call_id="id_look"),
                Message("tool", "flown", tool_call_id="id_fly"),
                Message("tool", "odd", tool_call_id="other"),
                Message("assistant", "Done."),
            ),
            "a.jsonl",
            3,
            TOOLS,
        )
    )
    system, ask, called, result, done = plain.messages
    assert system.content.startswith("Be brief.\n\nYou can call the tools below.")
    assert '<tools>\n{"name": "fly", "parameters": {"type": "object"}}\n</tools>' in system.content
    assert ask == ASK
    assert (called.weight, called.tool_calls) == (0.0, ())
    assert called.content == write_answer("Well.", calls("fly", "look"))
    assert result.role == "user"
    # In the order of the calls: the form has no ids.
    inside = [part.split("\n<")[0] for part in result.content.split("<tool_response>\n")[1:]]
    assert inside == ["flown", "seen", "odd"]
    assert done == Message("assistant", "Done.")
    assert (plain.place, plain.tools) == ("a.jsonl:3", "")


def test_results_at_the_end_are_part_of_the_prompt():
    plain = as_plain(
        Conversation((ASK, Message("assistant", "", tool_calls=calls("f")), Message("tool", "1")))
    )
    assert [turn.role for turn in plain.messages] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("turns", "system", "roles", "first"),
    [
        ((ASK,), True, ["system", "user"], "You can"),
        ((Message("developer", ""), ASK), True, ["developer", "user"], "You can"),
        ((ASK,), False, ["user"], "You can"),
        ((Message("assistant", "Hi"), ASK), False, ["user", "assistant", "user"], "You can"),
        ((), True, ["system"], "You can"),
    ],
)
def test_where_the_tools_are_told(turns, system, roles, first):
    plain = as_plain(Conversation(turns, tools=TOOLS), system=system)
    assert [turn.role for turn in plain.messages] == roles
    assert plain.messages[0].content.startswith(first)


def test_a_tool_with_more_than_a_function_is_written_whole():
    tool = {"type": "function", "function": {"name": "f"}, "strict": True}
    plain = as_plain(Conversation((ASK,), tools=json.dumps([tool])))
    assert f"<tools>\n{json.dumps(tool)}\n</tools>" in plain.messages[0].content


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            Conversation((ASK, Message("assistant", "<tool_call>")), "a", 1, TOOLS),
            "a:1: the text of an assistant turn holds <tool_call>",
        ),
        (
            Conversation((ASK, Message("assistant", "", tool_calls=(ToolCall("f", "[1]"),)))),
            'the arguments of the call to "f" cannot be kept: it is not an object',
        ),
        (
            Conversation((ASK, Message("assistant", "", tool_calls=(ToolCall("f", "{1"),)))),
            "it is not JSON",
        ),
        (Conversation((ASK,), tools="{}"), "the tools cannot be kept: it is not a list of objects"),
    ],
)
def test_what_cannot_be_kept_is_refused(row, message):
    with pytest.raises(DataError, match=message.replace("[", r"\[")):
        as_plain(row)


def test_tags_in_a_text_without_tools_are_left_alone():
    row = Conversation((ASK, Message("assistant", "<tool_call>x")))
    assert as_plain(row) == row
