"""The answers side by side, in the order in which a reader should see them."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.evaluate.comparison import Comparison, ModelResult
from tunery.evaluate.sample import Sample

OUTCOMES = {
    (True, False): ("lost", "Lost: right before, wrong now"),
    (False, False): ("wrong", "Wrong before and now"),
    (False, True): ("gained", "Gained: wrong before, right now"),
    (True, True): ("right", "Right before and now"),
}
"""(base right, tuned right) → key and words; the order is that of the report."""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One model's answer as it is shown.

    Attributes:
        right: Whether it is exact.
        text: The answer.
        notes: What is to be said about it, short phrases.
    """

    right: bool
    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleView:
    """One row as it is shown.

    Attributes:
        place: File and line.
        outcome: Key of `OUTCOMES`' words.
        outcome_text: The words.
        question: The prompt's last user turn.
        question_role: Who speaks it; another role if there is no user turn.
        earlier_turns: Turns of the prompt that are not shown, the system prompt not counted.
        reference: The right answer.
        base: The untuned model's answer.
        tuned: The tuned model's answer.
    """

    place: str
    outcome: str
    outcome_text: str
    question: str
    question_role: str
    earlier_turns: int
    reference: str
    base: AnswerView
    tuned: AnswerView


def sample_views(comparison: Comparison) -> list[SampleView]:
    """All rows: first those that tuning made wrong, then those still wrong, then the others."""
    views = [_view(comparison, row) for row in range(len(comparison.samples))]
    order = [outcome for outcome, _ in OUTCOMES.values()]
    return sorted(views, key=lambda view: order.index(view.outcome))


def shared_system_prompt(comparison: Comparison) -> str:
    """The system prompt, if all rows begin with the same one; otherwise empty."""
    prompts = {_system_prompt(sample) for sample in comparison.samples}
    return prompts.pop() if len(prompts) == 1 else ""


def _system_prompt(sample: Sample) -> str:
    first = sample.prompt[0]
    return first.content if first.role in ("system", "developer") else ""


def _view(comparison: Comparison, row: int) -> SampleView:
    sample = comparison.samples[row]
    base, tuned = comparison.base.grades[row].exact, comparison.tuned.grades[row].exact
    outcome, outcome_text = OUTCOMES[base, tuned]
    question = next(
        (turn for turn in reversed(sample.prompt) if turn.role == "user"), sample.prompt[-1]
    )
    shown_apart = 1 + (sample.prompt[0].role in ("system", "developer"))
    return SampleView(
        place=f"{sample.file}:{sample.line}" if sample.file else f"row {row + 1}",
        outcome=outcome,
        outcome_text=outcome_text,
        question=question.content,
        question_role=question.role,
        earlier_turns=max(len(sample.prompt) - shown_apart, 0),
        reference=sample.reference,
        base=_answer_view(comparison.base, row, comparison.max_tokens),
        tuned=_answer_view(comparison.tuned, row, comparison.max_tokens),
    )


def _answer_view(result: ModelResult, row: int, max_tokens: int | None) -> AnswerView:
    answer, grade = result.answers[row], result.grades[row]
    notes = []
    if answer.finish_reason == "length":
        limit = f"{max_tokens} tokens" if max_tokens else "the context"
        notes.append(f"cut at {limit}")
    if grade.parsable is False:
        notes.append("not JSON by itself")
    elif grade.fields:
        wrong = [name for name, right in grade.fields.right.items() if not right]
        if wrong:
            notes.append("wrong: " + ", ".join(wrong))
        if grade.fields.extra:
            notes.append("does not belong: " + ", ".join(grade.fields.extra))
    return AnswerView(grade.exact, answer.text, tuple(notes))
