"""A row that was proposed, and why one is not taken."""

from __future__ import annotations

from dataclasses import dataclass, field

# Reasons are read by programs: a reason keeps its meaning for ever.
REASONS: dict[str, str] = {
    "teacher.failed": "No answer came: the teacher failed, or did not answer in time.",
    "teacher.refused": "The teacher, or the server before it, refused to answer.",
    "teacher.cut_off": "The answer was longer than the limit and ends in the middle.",
    "teacher.not_json": "The answer holds no JSON.",
    "teacher.not_rows": "The answer is JSON, but not a list of rows.",
    "teacher.missing": "The teacher gave fewer rows than it was asked for.",
    "row.shape": "The row has not the keys, or not the kinds of values, that the task asks for.",
    "row.invalid": "`tunery data check` would not use the row.",
    "row.refusal": "The answer is a refusal, not an answer.",
    "row.unsupported": "The answer says what the passage does not.",
    "row.unknown_label": "The label is none of those that were given.",
    "row.unknown_tool": "The call names a tool that was not given.",
    "row.arguments": "The arguments of a call break the tool's JSON schema.",
    "row.duplicate": "The row says the same as one that was kept.",
    "row.near_duplicate": "The row says nearly the same as one that was kept, or as a seed.",
    "row.leak": "The row is, or nearly is, a held-out row.",
    "row.surplus": "As many rows as were wanted had been kept before.",
    "log.unreadable": "The line of a log is no JSON object.",
    "log.shape": "The line of a log is no request with its response.",
    "log.left_aside": "The completion is not of the model, metadata or finish reason wanted.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is not taken.

    Attributes:
        reason: A key of `REASONS`.
        message: What was found and what was expected.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as it was proposed.

    Attributes:
        given: The part of the answer that it was made of, as it came.
        row: The chat row without its metadata; None if there is a problem with its shape.
        prompt: What the row asks, as text, which filters compare; empty without a row.
        answer: What the row answers, as text; empty without a row.
        same: What two rows share that are the same; the prompt by default.
        about: What the task says of the row in its metadata.
        problem: Why it is not taken; None if nothing is wrong so far.
    """

    given: object
    row: dict[str, object] | None = None
    prompt: str = ""
    answer: str = ""
    same: str = ""
    about: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None
