"""Makes large data files of two kinds, from small real ones, by a seed."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+|\n")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        source: File that it is made from, in the folder of data sets.
        make: Endless rows from those of the source.
    """

    source: str
    make: Callable[[list[Row], random.Random], Iterator[Row]]


def word_problems(rows: list[Row], draw: random.Random) -> Iterator[Row]:
    """Nothing repeats: sentences of all problems mixed, with other numbers."""
    asked = [part for row in rows for part in _sentences(row, "user")]
    answered = [part for row in rows for part in _sentences(row, "assistant")]
    numbers = re.compile(r"\d+")
    while True:
        texts = []
        for pool in (asked, answered):
            mixed = " ".join(draw.choices(pool, k=draw.randint(2, 6)))
            texts.append(numbers.sub(lambda _: str(draw.randint(2, 9999)), mixed))
        question, answer = texts
        yield {
            "messages": [
                {"role": "user", "content": f"{question} ({draw.getrandbits(40):x})"},
                {"role": "assistant", "content": f"{answer}\n#### {draw.getrandbits(30)}"},
            ]
        }


def bank_messages(rows: list[Row], draw: random.Random) -> Iterator[Row]:
    """One long system prompt and few answers in all rows; the questions differ."""
    system = rows[0]["messages"][0]
    words = [_content(row, "user").split() for row in rows]
    answers = [_content(row, "assistant") for row in rows]
    while True:
        first, second = draw.choices(words, k=2)
        mixed = [*first[: len(first) // 2 + 1], *second[len(second) // 2 :]]
        question = f"{' '.join(mixed)} {draw.getrandbits(40):x}"
        yield {
            "messages": [
                system,
                {"role": "user", "content": question},
                {"role": "assistant", "content": draw.choice(answers)},
            ]
        }


KINDS = {
    "gsm8k": Kind("gsm8k/chat_train_1000.jsonl", word_problems),
    "banking77": Kind("banking77/chat_train.jsonl", bank_messages),
}


def make_file(kind: Kind, sources: Path, target: Path, *, rows: int | None, size: int) -> int:
    """Writes a file of so many rows, or of so many bytes; returns its rows.

    A file that was made before is not made again.
    """
    name = target.with_suffix(".rows")
    if target.exists() and name.exists():
        return int(name.read_text())
    with (sources / kind.source).open(encoding="utf-8") as lines:
        given = [json.loads(line) for line in lines]
    target.parent.mkdir(parents=True, exist_ok=True)
    written = number = 0
    with target.open("w", encoding="utf-8") as out:
        for row in kind.make(given, random.Random(20)):
            if number == rows or (rows is None and written >= size):
                break
            written += out.write(json.dumps(row, ensure_ascii=False) + "\n")
            number += 1
    name.write_text(str(number))
    return number


def _content(row: Row, role: str) -> str:
    return next(turn["content"] for turn in row["messages"] if turn["role"] == role)


def _sentences(row: Row, role: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(_content(row, role)) if part]
