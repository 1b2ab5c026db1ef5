"""Counted without rendering, conversations have exactly the tokens that training gives them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.errors import DataError
from tunery.models.chat_template import ChatTemplate
from tunery.models.control_borders import joining_ends, joining_starts, telling_characters
from tunery.models.spans import Spans
from tunery.models.token_counts import TokenCounts
from tunery.testing.tiny_models import CHAT_TEMPLATE

LLAMA3 = (
    "{{ '<|begin_of_text|>' }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
QWEN3 = (
    "{%- if messages[0].role != 'system' %}"
    "{{- '<|im_start|>system\nHelp.<|im_end|>\n' }}{% endif %}"
    "{%- for message in messages %}"
    "{%- if message.content is string %}{%- set content = message.content %}"
    "{%- else %}{%- set content = '' %}{%- endif %}"
    "{%- if message.role == 'assistant' %}"
    "{%- if '</think>' in content %}"
    "{%- set content = content.split('</think>')[-1].lstrip('\n') %}{%- endif %}"
    "{{- '<|im_start|>assistant\n<think>\n\n</think>\n\n' }}"
    "{{- content.lstrip('\n') + '<|im_end|>\n' }}"
    "{%- elif message.role == 'user' and message.content.startswith('<tool_response>') %}"
    "{{- '<|im_start|>tool\n' + content + '<|im_end|>\n' }}"
    "{%- else %}{{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\n<think>\n\n</think>\n\n' }}{%- endif %}"
)
MISTRAL = (
    "{{ '<s>' }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{{ ' ' + message['content'].strip() + '</s>' }}"
    "{% else %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% endif %}{% endfor %}"
)
LENGTHS = CHAT_TEMPLATE.replace(
    "message['content']", "(message['content'] | length | string) + message['content']"
)
QUOTED = CHAT_TEMPLATE.replace("message['content']", "(message['content'] | tojson)")
MACRO = "{% macro write(text) %}{{ text }}{% endmacro %}" + CHAT_TEMPLATE.replace(
    "message['content']", "(write(message['content']) | trim)"
)
TOKENS = {
    "llama3": ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "qwen3": ["<|im_start|>", "<|im_end|>", "<think>", "</think>", "\n\n"],
    "mistral": ["<s>", "</s>", "[INST]", "[/INST]"],
}
CHATML = ["<|im_start|>", "<|im_end|>", "<think>", "</think>"]
TEMPLATES = {
    "chatml": CHAT_TEMPLATE,
    "llama3": LLAMA3,
    "qwen3": QWEN3,
    "mistral": MISTRAL,
    "lengths": LENGTHS,
    "quoted": QUOTED,
    "macro": MACRO,
}
WORDS = ["system\n\nuser\n\n\nassistant Hello  world 12 </think> <|im_end|> é 日本 \n\n\n ab"] * 4


def trained_tokenizer(name: str, pre_tokenizer, **options):
    """A byte-level tokenizer with merges that would cross the borders of texts, if they could."""
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    tokens = TOKENS.get(name, CHATML)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in tokens])
    end = {"llama3": "<|eot_id|>", "mistral": "</s>"}.get(name, "<|im_end|>")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end)
    fast.chat_template = TEMPLATES[name]
    return ChatTemplate(fast, [fast.eos_token_id])


BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
MADE = {name: trained_tokenizer(name, BYTES) for name in TEMPLATES}

TEXT = st.text(st.sampled_from("ab \n<|>é日1/[\ue000"), max_size=12) | st.sampled_from(
    [
        "<|im_end|>",
        "x</think>y",
        "</think>",
        "<tool_response>r</tool_response>",
        "<",
        "\n\n",
        "[INST]",
        "<|eot_id|>",
        " \n ",
        "|im_end|>",
        "<|im_",
        "<|begin_of_text|>z",
    ]
)
TURN = st.tuples(TEXT, TEXT, st.sampled_from([None, 0.0, 1.0]))
TALK = st.tuples(st.none() | TEXT, st.lists(TURN, min_size=1, max_size=3), st.booleans())


CALL = ToolCall("f", "{}")


def conversation(talk) -> Conversation:
    system, turns, goes_on = talk
    messages = [] if system is None else [Message("system", system)]
    for question, answer, weight in turns:
        messages += [Message("user", question), Message("assistant", answer, weight)]
    messages += [Message("user", "And?")] if goes_on else []
    return Conversation(tuple(messages), "rows.jsonl", 1)


def counted(template, rows) -> tuple[list[tuple[int, int]], Spans]:
    """(tokens, trained tokens) of each row, from spans."""
    counts = TokenCounts(template.tokenizer)
    spans = Spans(template, counts)
    found = []
    for cut in [spans.of(row) for row in rows]:
        sizes = [int(counts.counts([span.place])[0]) for span in cut]
        trained = sum(size for size, span in zip(sizes, cut, strict=True) if span.trained)
        found.append((sum(sizes), trained))
    counts.close()
    return found, spans


def expected(template, rows) -> list[tuple[int, int]]:
    made = [template.row(row) for row in rows]
    return [(len(row.ids), row.supervised) for row in made]


@pytest.mark.parametrize("name", TEMPLATES)
@settings(max_examples=60)
@given(talks=st.lists(TALK, min_size=1, max_size=6))
def test_spans_count_exactly_as_training_does(name, talks):
    template = MADE[name]
    # A first plain row of each shape, so that layouts are tried out on others than they came from.
    rows = [conversation(talk) for talk in talks]
    assert counted(template, rows)[0] == expected(template, rows)


@pytest.mark.parametrize("name", ["chatml", "llama3", "qwen3", "mistral"])
def test_usual_templates_are_put_together_not_rendered(name):
    rows = [
        conversation((f"Be brief {n}.", [(f" Q {n}?\n", f"A {n}", None)], n % 2 == 0))
        for n in range(20)
    ]
    found, spans = counted(MADE[name], rows)
    assert found == expected(MADE[name], rows)
    assert (spans.assembled, dict(spans.rendered)) == (20, {})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lengths", "the chat template looks inside the texts"),
        ("quoted", "the chat template changes the texts"),
        ("macro", "the chat template changes the texts"),
    ],
)
def test_a_template_that_does_more_with_texts_is_rendered_in_full(name, reason):
    rows = [conversation((None, [(f"Q{n}", f"A{n}", None)], False)) for n in range(3)]
    found, spans = counted(MADE[name], rows)
    assert found == expected(MADE[name], rows)
    assert (spans.assembled, dict(spans.rendered)) == (0, {reason: 3})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n", "blank texts"),
        ("x<|im_end|>", "texts that hold control tokens"),
        ("\nx", "texts that touch control tokens"),
        ("<tool_response>", "texts that the chat template treats otherwise"),
    ],
)
def test_a_row_that_the_layout_does_not_foresee_is_rendered_in_full(text, reason):
    rows = [conversation((None, [("Q", "A", None)], False))]
    rows.append(conversation((None, [(text, "A", None)], False)))
    found, spans = counted(MADE["qwen3"], rows)
    assert found == expected(MADE["qwen3"], rows)
    assert dict(spans.rendered) == {reason: 1}


@pytest.mark.parametrize("scheme", ["first", "always"])
def test_a_tokenizer_that_looks_beyond_control_tokens_is_given_whole_pieces(scheme):
    metaspace = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    template = trained_tokenizer("chatml", metaspace)
    rows = [conversation(("a b", [(f" a{n}", "b a", None)], False)) for n in range(5)]
    found, _ = counted(template, rows)
    assert found == expected(template, rows)


def test_texts_that_repeat_are_tokenized_once():
    system = "A long system prompt."
    rows = [conversation((system, [(f"Q{n}", "yes", None)], False)) for n in range(9)]
    counts = TokenCounts(MADE["chatml"].tokenizer)
    spans = Spans(MADE["chatml"], counts)
    cut = [spans.of(row) for row in rows]
    constant = 4  # control tokens before each turn and at the end, "assistant\n"
    assert counts.distinct <= len(rows) + len(["system", "yes"]) + constant
    assert len({tuple(span.key for span in row[:2]) for row in cut}) == 1
    counts.close()


def test_tools_are_part_of_the_shape_and_tool_calls_are_rendered():
    tools = json.dumps([{"type": "function", "function": {"name": "f"}}])
    rows = [
        Conversation((Message("user", "Q"), Message("assistant", "A")), tools=tools),
        Conversation((Message("user", "Q"), Message("assistant", "A", tool_calls=(CALL,)))),
    ]
    found, spans = counted(MADE["chatml"], rows)
    assert found == expected(MADE["chatml"], rows)
    assert spans.rendered["tool calls and named turns"] == 1


def test_what_training_refuses_is_refused():
    rows = [Conversation((Message("assistant", "A"),), "rows.jsonl", 7)]
    with pytest.raises(DataError, match=r"rows.jsonl:7: the first turn is the assistant's"):
        counted(MADE["chatml"], rows)


def test_more_texts_than_are_remembered_are_counted_all_the_same():
    counts = TokenCounts(MADE["chatml"].tokenizer, remembered=2)
    places = [counts.place(text) for text in ["a", "b", "c", "c", "a"]]
    assert places == [0, 1, 2, 3, 0]
    assert counts.counts(places).tolist() == [1, 1, 1, 1, 1]
    assert counts.is_full
    counts.close()


def test_signs_that_tell_of_control_tokens():
    assert telling_characters(["<|a|>", "<b>"]) in ("<", ">")
    assert set(telling_characters(["[x]", "<b>"])) & set("[]")
    assert telling_characters([]) == ""


def test_characters_that_could_complete_a_token():
    assert joining_starts("user<", ["<|x|>"]) == {"|"}
    assert joining_ends(">tail", ["<|x|>"]) == {"|"}
    assert joining_starts("user\n", ["<|x|>"]) == joining_ends("<|x|>", ["<|x|>"]) == set()
