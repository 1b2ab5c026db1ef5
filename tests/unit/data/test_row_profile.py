import pickle

from hypothesis import given
from hypothesis import strategies as st

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.findings import Place
from tunery.data.profile import MOST_DISTINCT, MOST_TOOLS, Distinct, RowProfile
from tunery.data.records import Judged, Preference, Text

PLACE = Place("rows.jsonl", 1)
TURN = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant"]),
    st.sampled_from(["a", "bb", "yes", "no"]),
    st.sampled_from([None, 0.0, 1.0]),
    st.sampled_from([(), (ToolCall("f", "{}"),), (ToolCall("g", "{}"), ToolCall("f", "{}"))]),
)
ROWS = st.lists(
    st.builds(
        Conversation,
        st.lists(TURN, min_size=1, max_size=4).map(tuple),
        tools=st.sampled_from(["", "[1]", "[2]"]),
    ),
    max_size=12,
)


def of(rows):
    made = RowProfile()
    for row in rows:
        made.add(row, PLACE)
    return made


def test_turns_roles_and_tools_are_counted():
    call = Message("assistant", "", None, (ToolCall("weather", "{}"), ToolCall("time", "{}")))
    rows = [
        Conversation((Message("system", "S"), Message("user", "U?"), call), tools="[1]"),
        Conversation((Message("system", "S"), Message("user", "V"), Message("assistant", "W"))),
        Conversation((Message("user", "X"), Message("assistant", "Y", 0.0))),
    ]
    made = of(rows)
    assert (made.rows, made.turns.total, made.characters.total) == (3, 8, 8)
    assert {name: (role.turns, role.rows, role.trained) for name, role in made.roles.items()} == {
        "system": (2, 2, 0),
        "user": (3, 3, 0),
        "assistant": (3, 3, 2),
    }
    assert (made.systems.number, made.systems.most) == (1, 2)
    assert (made.calls.n, made.calls.total, dict(made.called)) == (
        1,
        2,
        {"weather": 1, "time": 1},
    )


def test_every_kind_of_row_is_counted():
    prompt, answers = (Message("user", "P"),), (Message("assistant", "C"),)
    made = of([Preference(prompt, answers, answers), Judged(prompt, answers, False), Text("T")])
    assert made.kinds == {"preference": 1, "judged": 1, "text": 1}
    assert made.roles["assistant"].turns == 4


@given(ROWS, ROWS)
def test_two_parts_make_the_whole_and_can_be_sent(first, second):
    made = pickle.loads(pickle.dumps(of(first)))
    made.merge(pickle.loads(pickle.dumps(of(second))))
    whole = of(first + second)
    made.systems._last = whole.systems._last
    made.tool_lists._last = whole.tool_lists._last
    assert made == whole


def test_texts_and_tools_beyond_the_most_are_counted_together():
    texts = Distinct()
    for number in range(MOST_DISTINCT + 2):
        texts.add(str(number))
    texts.add("0")
    assert (texts.number, texts.most, texts.beyond) == (MOST_DISTINCT, 2, 2)
    calls = tuple(ToolCall(f"f{n}", "{}") for n in range(MOST_TOOLS + 3))
    made = of([Conversation((Message("assistant", "", None, calls),))])
    assert (len(made.called), made.uncounted_calls) == (MOST_TOOLS, 3)
