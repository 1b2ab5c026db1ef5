import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.generate.candidate import Candidate, Problem
from tunery.data.generate.filters import Filters, is_refusal
from tunery.data.generate.seeds import Example
from tunery.data.generate.similar import Shingles
from tunery.data.generate.support import unsupported, words_of
from tunery.data.generate.tasks.task import chat_row

PASSAGE = "The Tower was built in 1,850 by “Anna Muster”. It is 42 m high."


def candidate(prompt, answer="yes", system=""):
    row = chat_row(system, prompt, {"content": answer})
    return Candidate({}, row, prompt, answer)


@pytest.mark.parametrize(
    ("answer", "proof", "fits"),
    [
        ("Anna Muster", 'built in 1,850 by "anna  muster"', True),
        ("It is 42 m high", "It is 42 m high", True),
        ("42", "It is 43 m high", False),
        ("43 m", "It is 42 m high", False),
        ("In 1850", "was built in 1,850", False),
        ("By a baker from Basel", "Anna Muster", False),
        ("The tower is high", "It is 42 m high", True),
        ("!", "It is 42 m high", True),
    ],
)
def test_support(answer, proof, fits):
    assert (unsupported(answer, proof, PASSAGE, 0.5) is None) == fits


def test_support_in_scripts_without_spaces():
    passage = "東京塔は赤いです。"
    assert unsupported("塔は赤い", "東京塔は赤い", passage, 0.5) is None
    assert unsupported("空青海山", "東京塔は赤い", passage, 0.5) is not None
    assert words_of("赤い tower") == ["赤", "い", "tower"]


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, I cannot do it.",  # noqa: RUF001
        "As an AI language model, I have no body.",
        "I cannot assist with this request.",
        "I am unable to provide it",
        "We're sorry but we won't say.",
    ],
)
def test_refusals(answer):
    assert is_refusal(answer)


@pytest.mark.parametrize(
    "answer",
    ["I can't swim", "I'm sorry for the delay; your parcel is here.", "As a baker, yes", ""],
)
def test_answers_that_are_none(answer):
    assert not is_refusal(answer)


def test_filters_name_what_they_found():
    filters = Filters(Shingles(0.5), Shingles(0.5))
    filters.know([Example("Which tower is red today?", "a", "seeds:1")])
    filters.keep_out([Example("Who built the old bridge of stone?", "a", "test:4")])

    def judged(prompt, answer="yes"):
        problem = filters.judge(candidate(prompt, answer), f"row of {prompt}")
        return problem and (problem.reason, problem.message)

    assert judged("which TOWER is  red today?") == ("row.duplicate", "it asks the same as seeds:1")
    assert judged("Which tower is red today, say?")[0] == "row.near_duplicate"
    assert judged("Who built the old bridge of stone?") == (
        "row.leak",
        "the prompt is that of test:4",
    )
    assert judged("And who built the old bridge of stone?")[1].endswith("nearly that of test:4")
    assert judged("New?", "As an AI, no.")[0] == "row.refusal"
    assert judged("New?", "\ud83d")[0] == "row.invalid"
    assert judged("New?", "") == (
        "row.invalid",
        filters.judge(candidate("New?", ""), "x").message,
    )
    assert judged("New?") is None
    assert judged("New?")[1] == "it asks the same as row of New?"


def test_without_likeness_only_equal_prompts_are_duplicates():
    filters = Filters(None)
    assert filters.judge(candidate("a b c d e f g h i j"), "1") is None
    assert filters.judge(candidate("a b c d e f g h i k"), "2") is None
    assert filters.judge(candidate("A b c d e f g h i k"), "3").reason == "row.duplicate"


def test_a_problem_that_was_found_before_stands():
    problem = Problem("row.shape", "x")
    assert Filters(None).judge(Candidate({}, problem=problem), "1") is problem


@given(st.lists(st.text("ab ", max_size=12), max_size=8), st.text("ab ", max_size=12))
def test_likeness_is_the_jaccard_index(texts, asked):
    def shingles(text):
        words = text.split()
        return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}

    found = Shingles(0.6)
    for number, text in enumerate(texts):
        found.add(text, str(number))
    near = {
        str(number)
        for number, text in enumerate(texts)
        if len(shingles(text) & shingles(asked)) / len(shingles(text) | shingles(asked)) >= 0.6
    }
    name = found.find(asked)
    assert name in near if near else name is None
