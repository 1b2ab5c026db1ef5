from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.errors import DataError
from tunery.evaluate.sample import Sample, UnusedRow, samples_from

SYSTEM, ASK, REPLY = Message("system", "s"), Message("user", "q"), Message("assistant", "a")


def test_last_assistant_turn_is_the_reference() -> None:
    turns = (SYSTEM, ASK, REPLY, Message("user", "more"), Message("assistant", "b"))
    samples, unused = samples_from([Conversation(turns, "t.jsonl", 3)])
    assert samples == [Sample(turns[:-1], "b", "t.jsonl", 3)]
    assert unused == []


def test_turns_after_the_last_answer_are_not_used() -> None:
    row = Conversation((ASK, REPLY, Message("user", "thanks")), "t.jsonl", 3)
    assert samples_from([row]) == ([Sample((ASK,), "a", "t.jsonl", 3)], [])


def test_rows_without_an_answer_are_listed() -> None:
    rows = [
        Conversation((ASK,), "t.jsonl", 1),
        Conversation((), "t.jsonl", 2),
        Conversation((REPLY,), "t.jsonl", 3),
        Conversation((ASK, Message("assistant", " \n")), "t.jsonl", 4),
        Conversation((ASK, REPLY), "t.jsonl", 5),
    ]
    samples, unused = samples_from(rows)
    assert [sample.line for sample in samples] == [5]
    assert len(samples) + len(unused) == len(rows)
    no_answer = "No turn is the assistant's, so there is no answer to compare with."
    assert unused == [
        UnusedRow("t.jsonl", 1, no_answer),
        UnusedRow("t.jsonl", 2, no_answer),
        UnusedRow("t.jsonl", 3, "There is no turn before the answer, so there is nothing to ask."),
        UnusedRow("t.jsonl", 4, "The answer of the last assistant turn is empty."),
    ]


CALLING = Conversation(
    (ASK, Message("assistant", "", tool_calls=(ToolCall("f", "{}"),))), "t.jsonl", 7, "[]"
)


def test_an_answer_that_calls_tools_is_compared_as_the_model_writes_it() -> None:
    samples, unused = samples_from([CALLING], written=lambda row: f"call of {row.line}")
    assert samples == [Sample((ASK,), "call of 7", "t.jsonl", 7, "[]")]
    assert samples[0].question == Conversation((ASK,), tools="[]")
    assert unused == []


def test_an_answer_that_the_model_cannot_write_is_listed() -> None:
    def refuse(row: Conversation) -> str:
        raise DataError("No form for it.", "Change it.")

    assert samples_from([CALLING], written=refuse) == (
        [],
        [UnusedRow("t.jsonl", 7, "No form for it. Change it.")],
    )
    assert samples_from([CALLING])[1] == [
        UnusedRow("t.jsonl", 7, "The answer calls tools, which is not compared here.")
    ]
