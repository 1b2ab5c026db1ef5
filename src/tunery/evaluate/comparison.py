"""The result of asking two models the same questions."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.evaluate.answer import Answer
from tunery.evaluate.graders.grade import Grade
from tunery.evaluate.sample import Sample, UnusedRow
from tunery.evaluate.scores import Scores
from tunery.evaluate.statistics.estimate import Difference
from tunery.evaluate.statistics.paired import PairedComparison


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model's answers.

    Attributes:
        model: Its name at the engine.
        answers: One for each sample of the comparison, in their order.
        grades: Of these answers, in the same order.
        scores: The sums.
        seconds: Time that it took to answer, including rows that were left out later.
    """

    model: str
    answers: tuple[Answer, ...]
    grades: tuple[Grade, ...]
    scores: Scores
    seconds: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Base and tuned model on the same rows, through the same engine.

    Attributes:
        samples: The rows that both models answered, at least one.
        base: The untuned model.
        tuned: The tuned model.
        paired: Exact match row by row.
        fields_difference: Tuned minus base share of right JSON fields; None if there are none.
        parsable_difference: Tuned minus base share of answers that are JSON by themselves; None if
            no reference is JSON.
        unused: Held-out rows that were not compared, each with its reason.
        max_tokens: Limit on an answer; None means the model's context.
        batch_size: Rows answered at once.
    """

    samples: tuple[Sample, ...]
    base: ModelResult
    tuned: ModelResult
    paired: PairedComparison
    fields_difference: Difference | None
    parsable_difference: Difference | None
    unused: tuple[UnusedRow, ...]
    max_tokens: int | None
    batch_size: int
