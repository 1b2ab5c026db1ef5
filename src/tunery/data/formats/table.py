"""All formats, in the order in which a row is tried against them.

A format that needs more keys stands before one that needs fewer of the same: a row with `prompt`,
`completion` and a `label` is a judged answer, one with the first two alone a pair. Formats that
share no key are told apart in any order. A key that a format does not know never decides.
"""

from __future__ import annotations

from tunery.config.data import FormatName
from tunery.data.formats import (
    alpaca,
    chat,
    classification,
    kto,
    openai_preference,
    preference,
    prompt_completion,
    qa,
    reinforcement,
    sharegpt,
    text,
)
from tunery.data.formats.format import Format, Object


def _has(row: Object, *keys: str) -> bool:
    return all(key in row for key in keys)


def _is_openai_preference(row: Object) -> bool:
    return any(key in row for names in openai_preference.NAMES.items() for key in names)


def _is_judged(row: Object) -> bool:
    return _has(row, "prompt", "completion") and kto.verdict(row.get("label")) is not None


def _is_alpaca(row: Object) -> bool:
    return "instruction" in row and ("output" in row or "instances" in row)


def _is_question(row: Object) -> bool:
    one = _has(row, "context", "question") and ("answers" in row or "answer" in row)
    return one or qa.is_nested(row)


_ALL = (
    Format(
        "openai_preference",
        ("input", "preferred_output", "non_preferred_output"),
        _is_openai_preference,
        lambda _: openai_preference.read_row,
    ),
    Format(
        "sharegpt",
        ("conversations",),
        lambda row: "conversations" in row,
        lambda _: sharegpt.read_row,
    ),
    # Before chat and alpaca: published preference rows have `messages` or an `output` besides.
    Format(
        "alpaca_preference",
        ("instruction", "chosen", "rejected"),
        lambda row: _has(row, "instruction", "chosen", "rejected"),
        lambda _: preference.read_instruction,
    ),
    Format(
        "preference",
        ("chosen", "rejected"),
        lambda row: _has(row, "chosen", "rejected"),
        lambda _: preference.read_row,
    ),
    # Before chat: it ends where an answer would follow, and has more keys than a chat row.
    Format(
        "reinforcement",
        ("messages",),
        reinforcement.looks_like,
        lambda _: reinforcement.read_row,
        guessable=False,
    ),
    Format("chat", ("messages",), lambda row: "messages" in row, lambda _: chat.read_row),
    Format("kto", ("prompt", "completion", "label"), _is_judged, lambda _: kto.read_row),
    Format(
        "prompt_completion",
        ("prompt", "completion"),
        lambda row: "completion" in row,
        lambda _: prompt_completion.read_row,
    ),
    Format(
        "alpaca",
        ("instruction", "output"),
        _is_alpaca,
        lambda _: alpaca.read_row,
        unfold=alpaca.unfold,
        row_by_row=False,
    ),
    Format(
        "qa",
        ("context", "question", "answers"),
        _is_question,
        lambda _: qa.read_row,
        unfold=qa.unfold,
        row_by_row=False,
    ),
    Format(
        "classification",
        ("text", "label"),
        lambda row: _has(row, "text", "label"),
        classification.reader,
        guessable=False,
        row_by_row=False,
    ),
    Format("text", ("text",), lambda row: "text" in row, lambda _: text.read_row, guessable=False),
)

FORMATS: dict[FormatName, Format] = {format.name: format for format in _ALL}
