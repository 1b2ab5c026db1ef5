from tunery.data.conversation import Conversation, Message

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


def test_a_template_sees_role_and_content() -> None:
    assert FIRST.as_template_dict() == {"role": "assistant", "content": "So."}
