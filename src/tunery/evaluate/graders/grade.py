"""Everything that is measured about one answer."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.evaluate.graders.exact_match import is_exact
from tunery.evaluate.graders.json_fields import FieldGrades, grade_fields
from tunery.evaluate.graders.strict_json import parse_structure


@dataclass(frozen=True, slots=True)
class Grade:
    """What is right about one answer.

    Attributes:
        exact: The answer is the reference (see `is_exact`).
        parsable: The answer is JSON by itself; None if the reference is not.
        fields: Field by field; None if the reference is not a JSON object.
    """

    exact: bool
    parsable: bool | None
    fields: FieldGrades | None


def grade_answer(reference: str, answer: str) -> Grade:
    """Grades one answer against its reference."""
    is_json = parse_structure(reference) is not None
    return Grade(
        exact=is_exact(reference, answer),
        parsable=parse_structure(answer) is not None if is_json else None,
        fields=grade_fields(reference, answer),
    )
