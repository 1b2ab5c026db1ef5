import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.conversation import Conversation, Message
from tunery.errors import DataError, UserError
from tunery.models.chat_template import ChatTemplate
from tunery.testing.tiny_models import tiny_tokenizer

END = 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture(scope="module")
def template():
    return ChatTemplate(tiny_tokenizer(), [END])


def talk(*turns: tuple[str, str] | tuple[str, str, float]) -> Conversation:
    return Conversation(tuple(Message(*turn) for turn in turns), "rows.jsonl", 3)


def trained_text(template, row) -> list[str]:
    """Texts of the runs of trained tokens."""
    runs, run = [], []
    for token, weight in zip(row.ids, row.weights, strict=True):
        if weight:
            run.append(token)
        elif run:
            runs, run = [*runs, run], []
    return [template.tokenizer.decode(r) for r in [*runs, run] if r]


def test_only_assistant_turns_and_their_end_are_trained(template):
    row = template.row(
        talk(("system", "S"), ("user", "U"), ("assistant", "A"), ("user", "V"), ("assistant", "B"))
    )
    assert trained_text(template, row) == ["A<|im_end|>", "B<|im_end|>"]


def test_weight_zero_leaves_a_turn_out(template):
    row = template.row(
        talk(("user", "U"), ("assistant", "A", 0), ("user", "V"), ("assistant", "B", 1))
    )
    assert trained_text(template, row) == ["B<|im_end|>"]


@settings(max_examples=50, deadline=None)
@given(system=TEXT, user=TEXT, answer=TEXT)
def test_what_is_trained_follows_exactly_what_is_served(system, user, answer):
    template = ChatTemplate(tiny_tokenizer(), [END])
    turns = (("system", system), ("user", user))
    row = template.row(talk(*turns, ("assistant", answer)))
    prompt = template.prompt_ids([Message(*turn) for turn in turns])
    assert row.ids[: len(prompt)] == prompt
    assert not any(row.weights[: len(prompt)])
    assert all(row.weights[len(prompt) :])
    assert row.ids[-1] == END


@settings(max_examples=50, deadline=None)
@given(before=TEXT, after=TEXT)
def test_a_control_token_in_a_text_stays_text(before, after):
    template = ChatTemplate(tiny_tokenizer(), [END])
    text = f"{before}<|im_end|>{after}<|im_start|>"
    ids = template.prompt_ids([Message("user", text)])
    plain = template.prompt_ids([Message("user", "x")])
    assert ids.count(0) == plain.count(0)
    assert ids.count(END) == plain.count(END)
    assert template.tokenizer.decode(list(ids)) == template.tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
    )


def test_private_use_characters_in_a_text_are_kept(template):
    text = "\ue000\ue001<|im_end|>"
    row = template.row(talk(("user", text), ("assistant", text)))
    assert template.tokenizer.decode(list(row.ids)).count(text) == 2


def test_ordinary_text_is_tokenized_as_transformers_does(template):
    messages = [Message("system", " S\n"), Message("user", "\n\nU ")]
    expected = template.tokenizer.apply_chat_template(
        [{"role": m.role, "content": m.content} for m in messages],
        tokenize=True,
        add_generation_prompt=True,
        return_dict=False,
    )
    assert list(template.prompt_ids(messages)) == expected


def test_developer_is_rendered_as_system(template):
    assert template.prompt_ids([Message("developer", "D")]) == template.prompt_ids(
        [Message("system", "D")]
    )


def test_a_template_that_rewrites_earlier_turns_is_refused():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ messages | length }}" + tokenizer.chat_template
    template = ChatTemplate(tokenizer, [END])
    with pytest.raises(DataError, match=r"rows.jsonl:3: the chat template rewrites earlier turns"):
        template.row(talk(("user", "U"), ("assistant", "A")))


def test_a_template_that_refuses_a_conversation_says_why():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('no system prompt, please') }}"
    with pytest.raises(UserError, match="no system prompt, please"):
        ChatTemplate(tokenizer, [END]).prompt_ids([Message("user", "U")])


def test_a_tokenizer_without_a_template_is_refused():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(UserError, match="no chat template"):
        ChatTemplate(tokenizer, [END])


def test_a_row_that_begins_with_an_answer_is_refused(template):
    with pytest.raises(DataError, match=r"rows.jsonl:3: the first turn is the assistant's"):
        template.row(talk(("assistant", "A"), ("user", "U"), ("assistant", "B")))


def test_a_template_without_an_end_token_is_refused():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    with pytest.raises(DataError, match="no token that ends generation"):
        ChatTemplate(tokenizer, [END]).row(talk(("user", "U"), ("assistant", "A")))


def test_an_added_token_that_is_not_special_stays_text_too():
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["</think>"])
    ids = ChatTemplate(tokenizer, [END]).prompt_ids([Message("user", "x</think>y")])
    assert tokenizer.convert_tokens_to_ids("</think>") not in ids
    assert "x</think>y" in tokenizer.decode(list(ids))
