"""The short ways take only rows that the thorough ways find nothing to say about."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tunery.data.findings import Place
from tunery.data.formats import chat, prompt_completion
from tunery.data.formats.plain_chat import read_plain

PLACE = Place("rows.jsonl", 3)
texts = st.sampled_from(["a", "", " \n", "\u2028", "\x1f", "Hi {{x}}", None, 3, ["a"]])
roles = st.sampled_from(["system", "user", "assistant", "developer", "tool", "bot", None, ["user"]])
messages = st.one_of(
    st.fixed_dictionaries({"role": roles, "content": texts}),
    st.fixed_dictionaries({"role": roles, "content": texts, "weight": st.sampled_from([0, 1])}),
    st.dictionaries(st.sampled_from(["role", "content", "name", "x"]), texts, max_size=2),
    st.none(),
)
usual = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "user", "assistant"]),
        "content": st.sampled_from(["a", " ", "b"]),
    }
)
chats = st.fixed_dictionaries(
    {"messages": st.one_of(st.lists(usual, max_size=4), st.lists(messages, max_size=4), texts)},
    optional={"tools": st.sampled_from([[], None, [{"name": "f"}]]), "id": texts},
)
pairs = st.dictionaries(
    st.sampled_from(["prompt", "completion", "system", "tools", "id"]), texts, max_size=4
)


@given(chats)
def test_a_chat_row_is_the_same_both_ways(value: dict[str, Any]) -> None:
    assert chat.read_row(value, PLACE) == chat.read_thoroughly(value, PLACE)


@given(pairs)
def test_a_pair_is_the_same_both_ways(value: dict[str, Any]) -> None:
    short = prompt_completion.read_row(value, PLACE)
    assert short == prompt_completion.read_thoroughly(value, PLACE)


def test_usual_rows_take_the_short_way() -> None:
    turns = [("system", "Be short."), ("user", "Hi"), ("assistant", "Hello")]
    rows = [{"role": role, "content": content} for role, content in turns]
    assert read_plain({"messages": rows}, PLACE) is not None
    assert prompt_completion.read_plain({"prompt": "", "completion": "a"}, PLACE) is not None
