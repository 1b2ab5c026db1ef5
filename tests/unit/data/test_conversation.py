from tunery.data.conversation import Conversation, Message, ToolCall, as_conversation

SYSTEM = Message("system", "Be short.")
USER = Message("user", "Why?")
FIRST = Message("assistant", "So.", 0)
LAST = Message("assistant", "Thus.")


def test_prompt_and_answer_part_at_the_last_assistant_turn() -> None:
    row = Conversation((SYSTEM, USER, FIRST, USER, LAST))
    assert (row.prompt, row.answer) == ((SYSTEM, USER, FIRST, USER), "Thus.")


def test_turns_after_the_last_assistant_turn_are_neither() -> None:
    row = Conversation((USER, LAST, USER))
    assert (row.prompt, row.answer) == ((USER,), "Thus.")


def test_without_an_assistant_turn_all_is_prompt() -> None:
    assert (Conversation((USER,)).prompt, Conversation((USER,)).answer) == ((USER,), "")
    assert (Conversation(()).prompt, Conversation(()).answer) == ((), "")


def test_only_assistant_turns_are_learned() -> None:
    assert [m.loss_weight for m in (SYSTEM, USER, FIRST, LAST)] == [0, 0, 0, 1]
    assert Message("user", "Why?", 1).loss_weight == 0


def test_a_turn_is_written_as_openai_does() -> None:
    assert FIRST.as_template_dict() == {"role": "assistant", "content": "So."}
    call = ToolCall("f", "{}", "c1")
    assert Message("assistant", "", tool_calls=(call, ToolCall("g", "{}"))).as_template_dict() == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    }
    assert Message("tool", "1", tool_call_id="c1", name="f").as_template_dict() == {
        "role": "tool",
        "content": "1",
        "name": "f",
        "tool_call_id": "c1",
    }


def test_the_answer_turn_is_the_last_of_the_assistant() -> None:
    assert Conversation((USER, FIRST, USER, LAST, USER)).answer_turn == LAST
    assert Conversation((USER,)).answer_turn is None


def test_turns_and_conversations_are_prompts() -> None:
    row = Conversation((USER,), tools="[]")
    assert as_conversation(row) is row
    assert as_conversation([SYSTEM, USER]) == Conversation((SYSTEM, USER))
