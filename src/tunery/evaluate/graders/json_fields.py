"""Which fields of a JSON answer are right."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.evaluate.graders.strict_json import parse_structure, same_value


@dataclass(frozen=True, slots=True)
class FieldGrades:
    """An answer field by field.

    Attributes:
        right: Each key of the reference, in its order, and whether the answer has its value.
        extra: Keys of the answer that the reference does not have.
    """

    right: dict[str, bool]
    extra: tuple[str, ...]


def grade_fields(reference: str, answer: str) -> FieldGrades | None:
    """Compares an answer with a reference field by field; None if that is no JSON object.

    A field is a key of the outermost object; a nested value counts as one field and must be right
    as a whole. A missing field is wrong. An answer that is not a JSON object by itself (empty,
    cut, fenced, with text around it) has every field wrong. Extra keys make no field wrong.
    """
    expected = parse_structure(reference)
    if not isinstance(expected, dict):
        return None
    found = parse_structure(answer)
    if not isinstance(found, dict):
        return FieldGrades(dict.fromkeys(expected, False), ())
    return FieldGrades(
        right={
            key: key in found and same_value(value, found[key]) for key, value in expected.items()
        },
        extra=tuple(key for key in found if key not in expected),
    )
