import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.conversation import Conversation, Message
from tunery.data.split import hold_out
from tunery.errors import DataError


def row(prompt: str, answer: str = "Yes.", line: int = 0) -> Conversation:
    turns = [Message("user", prompt)] if prompt else []
    system = Message("system", "Be short.")
    return Conversation((system, *turns, Message("assistant", answer)), "rows.jsonl", line)


MANY = [row(f"Question {n}?", line=n) for n in range(1, 101)]


def test_holds_out_the_share_and_keeps_the_order() -> None:
    kept, held_out = hold_out(MANY, share=0.2, seed=3)
    assert (len(kept), len(held_out)) == (80, 20)
    assert sorted([*kept, *held_out], key=lambda r: r.line) == MANY
    assert [r.line for r in kept] == sorted(r.line for r in kept)
    assert [r.line for r in held_out] == sorted(r.line for r in held_out)


def test_the_seed_chooses() -> None:
    assert hold_out(MANY, 0.1, seed=1) == hold_out(list(MANY), 0.1, seed=1)
    assert hold_out(MANY, 0.1, seed=1) != hold_out(MANY, 0.1, seed=2)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_each_side_has_a_row(share: float) -> None:
    split = hold_out(MANY[:3], share, seed=0)
    assert min(len(split.kept), len(split.held_out)) == 1


@settings(deadline=None)
@given(
    prompts=st.lists(st.sampled_from("abcdef"), min_size=2, max_size=30),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 5),
)
def test_rows_with_one_prompt_stay_together(prompts: list[str], share: float, seed: int) -> None:
    rows = [row(prompt, f"Answer {n}.", n) for n, prompt in enumerate(prompts)]
    if len(set(prompts)) < 2:
        with pytest.raises(DataError):
            hold_out(rows, share, seed)
        return
    kept, held_out = hold_out(rows, share, seed)
    assert kept
    assert held_out
    assert {r.prompt for r in kept}.isdisjoint(r.prompt for r in held_out)
    assert sorted(r.line for r in (*kept, *held_out)) == list(range(len(rows)))


def test_rows_without_a_question_are_told_apart_by_their_answer() -> None:
    rows = [row("", f"Story {n % 5}.", n) for n in range(10)]
    kept, held_out = hold_out(rows, 0.2, seed=0)
    assert (len(kept), len(held_out)) == (8, 2)
    assert {r.answer for r in kept}.isdisjoint(r.answer for r in held_out)


def test_groups_larger_than_the_share_give_the_smallest() -> None:
    rows = [row("a", str(n)) for n in range(6)] + [row("b", str(n)) for n in range(4)]
    assert {r.prompt[1].content for r in hold_out(rows, 0.1, seed=0).held_out} == {"b"}


@pytest.mark.parametrize("rows", [[], [row("a")], [row("a", "1"), row("a", "2")]])
def test_refuses_what_cannot_be_split(rows: list[Conversation]) -> None:
    with pytest.raises(DataError, match="at least 2 different prompts") as caught:
        hold_out(rows, 0.5, seed=0)
    assert caught.value.hint


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_refuses_a_share_out_of_range(share: float) -> None:
    with pytest.raises(DataError, match="expected above 0 and below 1"):
        hold_out(MANY, share, seed=0)
