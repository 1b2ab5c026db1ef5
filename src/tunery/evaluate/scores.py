"""A model's results over all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunery.evaluate.answer import Answer
from tunery.evaluate.graders.grade import Grade
from tunery.evaluate.statistics.clustered import Cluster, clustered_share
from tunery.evaluate.statistics.estimate import Share
from tunery.evaluate.statistics.wilson import wilson_share


@dataclass(frozen=True, slots=True)
class Scores:
    """One model's results. Absent is not zero: what cannot be measured on these rows is None.

    Attributes:
        exact: Rows answered exactly.
        parsable: Rows answered with JSON by itself, of those whose reference is JSON; None if no
            reference is.
        fields: Fields answered right, of all fields of all references that are JSON objects, with
            rows as clusters; None if there is no such field.
        per_field: For each field name, in order of first appearance, the rows that have it and
            got it right.
        truncated: Answers cut by the token limit.
        with_extra_keys: Answers with keys that the reference does not have.
    """

    exact: Share
    parsable: Share | None
    fields: Share | None
    per_field: dict[str, Share]
    truncated: int
    with_extra_keys: int


def score(answers: Sequence[Answer], grades: Sequence[Grade]) -> Scores:
    """Adds up the grades of one model.

    Args:
        answers: At least one.
        grades: Of these answers, in the same order.
    """
    parsable = [grade.parsable for grade in grades if grade.parsable is not None]
    clusters = field_clusters(grades)
    return Scores(
        exact=wilson_share(sum(grade.exact for grade in grades), len(grades)),
        parsable=wilson_share(sum(parsable), len(parsable)) if parsable else None,
        fields=clustered_share(clusters) if clusters else None,
        per_field=_per_field(grades),
        truncated=sum(answer.finish_reason == "length" for answer in answers),
        with_extra_keys=sum(bool(grade.fields and grade.fields.extra) for grade in grades),
    )


def field_clusters(grades: Sequence[Grade]) -> list[Cluster]:
    """Right fields and all fields of each row whose reference has fields."""
    graded = [grade.fields.right for grade in grades if grade.fields and grade.fields.right]
    return [(sum(right.values()), len(right)) for right in graded]


def _per_field(grades: Sequence[Grade]) -> dict[str, Share]:
    results: dict[str, list[bool]] = {}
    for grade in grades:
        for name, right in (grade.fields.right if grade.fields else {}).items():
            results.setdefault(name, []).append(right)
    # Each row has a field at most once, so these are independent and Wilson applies.
    return {name: wilson_share(sum(rights), len(rights)) for name, rights in results.items()}
