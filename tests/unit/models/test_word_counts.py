"""Counted by words, texts have exactly the tokens that the tokenizer gives them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tunery.models.control_borders import ControlBorders
from tunery.models.word_counts import GPT2, WordCounts, in_ascii, word_counts

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
CORPUS = ["the cat's  12 hats don't\n\n fit 1234567 cats \t\r\n WE'RE foo(bar)[0] == \x1c ..."] * 3


def by_pattern(pattern):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def with_digits(individual):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=individual),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )


WAYS = {
    "gpt2": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "digits": with_digits(True),
    "numbers": with_digits(False),
    "llama3": by_pattern(LLAMA3),
    "qwen2": by_pattern(QWEN2),
}


def make(way, normalizer=None):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = way
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=330, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken("<|end|>", special=True)])
    return tokenizer


def counter(tokenizer):
    return word_counts(
        tokenizer, ControlBorders(PreTrainedTokenizerFast(tokenizer_object=tokenizer))
    )


MADE = {name: make(way) for name, way in WAYS.items()}
COUNTERS = {name: counter(tokenizer) for name, tokenizer in MADE.items()}
ASCII = st.text(st.characters(max_codepoint=127), max_size=40)
LIKELY = st.text(st.sampled_from("aAtsSLl' \n\r\t\x0b\x1c12(.)[]<|end>é"), max_size=40)


@pytest.mark.parametrize("name", WAYS)
@settings(max_examples=300)
@given(texts=st.lists(ASCII | LIKELY, max_size=4))
def test_a_text_has_as_many_tokens_as_its_words(name, texts):
    found = COUNTERS[name].counts(texts).tolist()
    for text, count in zip(texts, found, strict=True):
        if count < 0:
            assert not text.isascii() or "<|end|>" in text
        else:
            assert count == len(MADE[name].encode(text, add_special_tokens=False).ids)


def test_texts_that_are_not_plain_are_left_to_the_tokenizer():
    texts = ["plain", "caf\u00e9", "a<|end|>b"]
    assert [count < 0 for count in COUNTERS["gpt2"].counts(texts)] == [False, True, True]


@pytest.mark.parametrize(
    ("way", "normalizer"),
    [
        (pre_tokenizers.Whitespace(), None),
        (pre_tokenizers.ByteLevel(add_prefix_space=True), None),
        (pre_tokenizers.ByteLevel(add_prefix_space=False), normalizers.Lowercase()),
        (by_pattern(r"\p{Lu}+|\p{L}+|."), None),
        (by_pattern(r"[a-z]+|\s+"), None),
        (by_pattern(r"\p{L}++|[^\p{L}]+"), None),
        (by_pattern(r"\p{L}+(?=\s)|\p{L}|[^\p{L}]+"), None),
        (by_pattern(r"^\p{L}+|\p{L}|[^\p{L}]+"), None),
    ],
)
def test_a_tokenizer_of_another_kind_is_not_taken(way, normalizer):
    assert counter(make(way, normalizer)) is None


def test_words_beyond_those_that_are_kept_are_counted_again():
    borders = ControlBorders(PreTrainedTokenizerFast(tokenizer_object=MADE["gpt2"]))
    counted = WordCounts(MADE["gpt2"], in_ascii(GPT2), borders, remembered=1)
    expected = len(MADE["gpt2"].encode("the cat's hats").ids)
    assert counted.counts(["the cat's hats"]).tolist() == [expected]
    assert counted.counts(["the cat's hats"]).tolist() == [expected]


def test_a_pattern_is_written_out_for_ascii():
    assert in_ascii(GPT2).findall("it's 12  x") == ["it", "'s", " 12", " ", " x"]
    assert in_ascii(r"[\S]") is None
    assert in_ascii("(") is None
    assert isinstance(in_ascii(LLAMA3), re.Pattern)
