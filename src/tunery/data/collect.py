"""What shows only when rows are seen together: counts, duplicates, findings told once a file.

A collector keeps digests, not texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b

from tunery.data.conversation import Conversation, Message
from tunery.data.findings import Finding, Place
from tunery.data.formats.row import Row
from tunery.data.records import Record
from tunery.data.wording import quote

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_PLACEHOLDER = re.compile(r"\{\{\s*[A-Za-z_][\w.]{0,40}\s*\}\}")


class Collector:
    """Everything that is known of a file's rows so far.

    Args:
        file: Path of the file, as the user gave it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.total = 0
        self.used = 0
        self._findings: list[Finding] = []
        self._seen: list[tuple[bytes, int]] = []
        self._once: dict[tuple[str, str], tuple[Finding, int]] = {}

    def add(self, row: Row) -> bool:
        """Takes the next row; whether it can be used."""
        self.total += 1
        place = Place(self.file, row.line)
        findings = list(row.findings)
        once = list(row.once)
        usable = row.record is not None
        if row.record is not None:
            halves = list(_half_characters(row.record, place))
            findings += halves
            usable = not halves
        if usable and row.record is not None:
            self._seen.append((_digest(row.record), row.line))
            once += _placeholders(row.record, place)
        self._findings += findings
        for finding in once:
            first, count = self._once.get((finding.code, finding.message), (finding, 0))
            self._once[finding.code, finding.message] = first, count + 1
        self.used += usable
        return usable

    def merge(self, other: Collector) -> None:
        """Takes over what is known of the rows that follow."""
        self.total += other.total
        self.used += other.used
        self._findings += other._findings
        self._seen += other._seen
        for key, (finding, count) in other._once.items():
            first, before = self._once.get(key, (finding, 0))
            self._once[key] = first, before + count

    def findings(self) -> tuple[Finding, ...]:
        """All findings so far, in the order of the file."""
        told = [
            replace(first, message=f"{first.message} (in {_rows_told(count)})")
            for first, count in self._once.values()
        ]
        return tuple(
            sorted([*self._findings, *self._duplicates(), *told], key=lambda finding: finding.line)
        )

    def _duplicates(self) -> Iterator[Finding]:
        first_lines: dict[bytes, int] = {}
        for digest, line in self._seen:
            if (earlier := first_lines.setdefault(digest, line)) != line:
                yield Place(self.file, line).found(
                    "row.duplicate",
                    f"the row says the same as line {earlier}",
                    "Remove one of them, unless it is meant to count twice.",
                )


def _digest(record: Record) -> bytes:
    """Stands for all that a row says."""
    if isinstance(record, Conversation):
        turns = [(m.role, m.content, m.loss_weight, m.tool_calls) for m in record.messages]
        said = repr((record.tools, turns))
    else:
        said = repr(replace(record, file="", line=0))
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _rows_told(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows, this is the first"


def _messages(record: Record) -> tuple[Message, ...]:
    return record.messages if isinstance(record, Conversation) else ()


def _half_characters(record: Record, place: Place) -> Iterator[Finding]:
    r"""JSON can write half an emoji as "\ud83d", which no tokenizer can encode."""
    for message in _messages(record):
        if half := _LONE_SURROGATE.search(message.content):
            yield place.found(
                "text.half_character",
                f"the {message.role} turn holds half a character, \\u{ord(half[0]):04x}",
                "The text was cut inside an emoji or other rare character; repair or remove it.",
            )


def _placeholders(record: Record, place: Place) -> Iterator[Finding]:
    learned = (message.content for message in _messages(record) if message.loss_weight)
    for name in dict.fromkeys(name for text in learned for name in _PLACEHOLDER.findall(text)):
        yield place.found(
            "text.placeholder",
            f"an answer holds the placeholder {quote(name)}; the model will learn to write it",
            "Fill it in, if it was meant to be filled in.",
        )
