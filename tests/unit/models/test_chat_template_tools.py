"""Rows with tools through whole templates: what is trained is what is asked for later."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.errors import DataError, UserError
from tunery.models.chat_template import ChatTemplate
from tunery.testing.tiny_models import CHAT_TEMPLATE, tiny_tokenizer
from tunery.testing.tool_templates import LLAMA, MISTRAL, QWEN

END = 1
SHAPES = {"plain": CHAT_TEMPLATE, "qwen": QWEN, "llama": LLAMA, "mistral": MISTRAL}


def template_of(source):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = source
    return ChatTemplate(tokenizer, [END])


TEMPLATES = {name: template_of(source) for name, source in SHAPES.items()}


def tools(description="Flies.", name="fly"):
    function = {"name": name, "description": description, "parameters": {"type": "object"}}
    return json.dumps([{"type": "function", "function": function}])


def call(arguments='{"height": 1.0}', name="fly", id_="a"):
    return ToolCall(name, arguments, id_)


FLY = tools()


def row(*turns, tools=FLY):
    return Conversation(turns, "rows.jsonl", 3, tools)


TALK = row(
    Message("user", "Up!"),
    Message("assistant", "", tool_calls=(call(),)),
    Message("tool", "flown", tool_call_id="a", name="fly"),
    Message("assistant", "Done."),
)


def trained_texts(template, conversation):
    runs = [[]]
    made = template.row(conversation)
    for token, weight in zip(made.ids, made.weights, strict=True):
        if weight:
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return [template.tokenizer.decode(run) for run in runs if run]


@pytest.mark.parametrize("name", SHAPES)
def test_every_answer_follows_the_prompt_that_is_asked_later(name):
    template = TEMPLATES[name]
    made = template.row(TALK)
    for index, message in enumerate(TALK.messages):
        if message.role == "assistant":
            prompt = template.prompt_ids(replace(TALK, messages=TALK.messages[:index]))
            assert made.ids[: len(prompt)] == prompt
            assert made.weights[len(prompt) - 1] == 0
            assert made.weights[len(prompt)] == 1


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("plain", '<tool_call>\n{"name": "fly", "arguments": {"height": 1.0}}\n</tool_call>'),
        ("qwen", '<tool_call>\n{"name": "fly", "arguments": {"height": 1.0}}\n</tool_call>'),
        ("llama", '{"name": "fly", "parameters": {"height": 1.0}}'),
        ("mistral", '[CALL]fly[ID]call00000[ARGS]{"height": 1.0}'),
    ],
)
def test_calls_and_texts_are_trained_with_their_end(name, called):
    template = TEMPLATES[name]
    assert trained_texts(template, TALK) == [f"{called}<|im_end|>", "Done.<|im_end|>"]
    asked = replace(TALK, messages=TALK.messages[:2])
    assert template.answer_text(asked) == called


@pytest.mark.parametrize("name", SHAPES)
def test_weight_zero_leaves_a_call_out(name):
    user, called, *rest = TALK.messages
    light = replace(TALK, messages=(user, replace(called, weight=0.0), *rest))
    assert trained_texts(TEMPLATES[name], light) == ["Done.<|im_end|>"]
    assert TEMPLATES[name].row(light).ids == TEMPLATES[name].row(TALK).ids


@pytest.mark.parametrize("name", ["plain", "qwen"])
def test_text_and_several_calls_in_one_turn(name):
    both = (call(id_="a"), call('{"é": [1, true, null], "a": 2}', "look", "b"))
    turn = Message("assistant", "Well.", tool_calls=both)
    (text,) = trained_texts(TEMPLATES[name], row(Message("user", "U"), turn))
    assert text == (
        'Well.\n<tool_call>\n{"name": "fly", "arguments": {"height": 1.0}}\n</tool_call>\n'
        '<tool_call>\n{"name": "look", "arguments": {"é": [1, true, null], "a": 2}}\n</tool_call>'
        "<|im_end|>"
    )


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(SHAPES)),
    st.lists(st.sampled_from(["<|im_end|>", "<|im_start|>", "x", '"', "\n", "\\", "\ue000"])),
)
def test_no_text_of_a_tool_becomes_a_control_token(name, parts):
    template, text = TEMPLATES[name], "".join(parts)

    def talk(said):
        spoken = f"f{said}"
        arguments = json.dumps({f"k{said}": [said]}, ensure_ascii=False)
        return row(
            Message("user", f"u{said}"),
            Message("assistant", "", tool_calls=(call(arguments, spoken, "a"),)),
            Message("tool", f"r{said}", tool_call_id="a", name=spoken),
            Message("assistant", f"d{said}"),
            tools=tools(f"d{said}"),
        )

    def controls(conversation):
        return [token for token in template.row(conversation).ids if token < 2]

    assert controls(talk(text)) == controls(talk(""))
    written = template.tokenizer.decode(list(template.row(talk(text)).ids))
    if '"' not in text and "\\" not in text and "\n" not in text:
        assert written.count(text) >= 7  # nothing of it is lost either


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(SHAPES)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.booleans(),
)
def test_a_row_is_the_sum_of_its_segments(name, text, with_tools):
    template = TEMPLATES[name]
    talk = TALK if with_tools else row(Message("user", text), Message("assistant", text), tools="")
    fresh = ChatTemplate(template.tokenizer, [END])
    ids, weights = [], []
    for piece in fresh.segments(talk):
        alone = (
            fresh.tokenizer.encode(piece.text, add_special_tokens=False)
            if piece.token_id is None
            else [piece.token_id]
        )
        ids += alone
        weights += [piece.weight] * len(alone)
    assert (tuple(ids), tuple(weights)) == (template.row(talk).ids, template.row(talk).weights)


def test_what_rows_share_is_a_piece_of_its_own():
    first, second = (
        [
            p.text
            for p in TEMPLATES["plain"].segments(row(Message("user", q), Message("assistant", q)))
        ]
        for q in ("one", "two")
    )
    shared = [text for text in first if text in second and "<tools>" in text]
    assert len(shared) == 1


def test_calls_without_a_list_of_tools_are_written():
    talk = replace(TALK, tools="")
    assert trained_texts(TEMPLATES["qwen"], talk) == trained_texts(TEMPLATES["qwen"], TALK)


def test_ids_that_a_template_cannot_take_are_renamed_alike_in_calls_and_results():
    pair = (call(id_="first"), call("{}", "look", "second"))
    talk = row(
        Message("user", "U"),
        Message("assistant", "", tool_calls=pair),
        Message("tool", "B", tool_call_id="second"),
        Message("tool", "A"),  # names no call: that which still waits
        Message("tool", "C", tool_call_id="none"),
        Message("assistant", "Done."),
    )
    text = TEMPLATES["mistral"].tokenizer.decode(list(TEMPLATES["mistral"].row(talk).ids))
    assert "fly[ID]call00000" in text
    assert "look[ID]call00001" in text
    assert "[RESULT]call00001[CONTENT]B[RESULT]call00000[CONTENT]A" in text


@pytest.mark.parametrize(
    ("name", "turn", "message"),
    [
        ("llama", Message("assistant", "", tool_calls=(call(), call())), "calls 2 tools"),
        ("llama", Message("assistant", "Well.", tool_calls=(call(),)), 'beside a call, "Well."'),
        ("qwen", Message("assistant", "", tool_calls=(call("[]"),)), "it is not an object"),
        ("qwen", Message("assistant", "", tool_calls=(call('{"a": 1e999}'),)), "the number 1e999"),
    ],
)
def test_what_a_template_would_lose_is_refused(name, turn, message):
    with pytest.raises(DataError, match="rows.jsonl:3: .*" + message.replace("[", r"\[")):
        TEMPLATES[name].row(row(Message("user", "U"), turn))


def test_a_template_that_leaves_tools_out_where_they_are_is_refused():
    template = template_of(
        QWEN.replace("{%- if tools %}", "{%- if tools and not 'U' in messages[0].content %}", 1)
    )
    assert template.tool_style.native
    with pytest.raises(DataError, match='leaves out the tool "fly"'):
        template.prompt_ids(row(Message("user", "U")))


def test_a_template_that_leaves_a_call_out_is_refused():
    template = template_of(
        QWEN.replace("message.tool_calls or []", "(message.tool_calls or [])[:2]")
    )
    turn = Message("assistant", "", tool_calls=(call(), call(), call()))
    with pytest.raises(DataError, match='leaves out the call to "fly"'):
        template.row(row(Message("user", "U"), turn))


def test_tools_that_are_no_list_are_refused():
    with pytest.raises(DataError, match="the tools cannot be kept: it is not JSON"):
        TEMPLATES["qwen"].row(row(Message("user", "U"), Message("assistant", "A"), tools="["))


def test_a_template_that_fails_on_what_it_is_given_refuses():
    template = template_of("{{ messages[0].content + 1 }}")
    with pytest.raises(UserError, match="refuses these messages"):
        template.prompt_ids([Message("user", "U")])


def test_a_turn_that_is_rewritten_later_may_stand_if_it_is_not_trained():
    # As Qwen 3: the last answer begins with a block that earlier ones lose.
    source = CHAT_TEMPLATE.replace(
        "+ message['content']",
        "+ ('<think></think>' if loop.last and message['role'] == 'assistant' else '')"
        " + message['content']",
    ).replace("assistant\n' }}{% endif", "assistant\n<think></think>' }}{% endif")
    template = template_of(source)
    turns = [Message("user", "U"), Message("assistant", "A"), Message("user", "V")]
    talk = row(*turns, Message("assistant", "B"), tools="")
    with pytest.raises(DataError, match='give all but the last "weight": 0'):
        template.row(talk)
    turns[1] = Message("assistant", "A", 0.0)
    light = row(*turns, Message("assistant", "B"), tools="")
    assert trained_texts(template, light) == ["B<|im_end|>"]
    prompt = template.prompt_ids(turns)
    assert template.row(light).ids[: len(prompt)] == prompt


def test_a_first_turn_of_the_assistant_may_stand_if_it_is_not_trained():
    talk = row(Message("assistant", "Hi", 0.0), Message("user", "U"), Message("assistant", "A"))
    assert trained_texts(TEMPLATES["plain"], talk) == ["A<|im_end|>"]


def test_without_an_assistant_turn_there_is_nothing_to_train():
    assert TEMPLATES["plain"].row(row(Message("user", "U"))).ids == ()
