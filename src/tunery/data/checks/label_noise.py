"""Rows with the same prompt and different answers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from tunery.data.checks.digests import DigestLog, digest, digest_of_prompt
from tunery.data.checks.texts import learned_turns, prompt_of
from tunery.data.findings import Finding, Place
from tunery.data.records import Preference, Record

_LINES_NAMED = 8


@dataclass(slots=True)
class LabelNoise:
    """Digests of prompts and answers: 48 bytes a row.

    Attributes:
        file: Path of the file, as the user gave it.
        prompts: Digest of the prompt and line of each row.
        answers: Digest of the answer of the same rows.
    """

    file: str = ""
    prompts: DigestLog = field(default_factory=DigestLog)
    answers: DigestLog = field(default_factory=DigestLog)

    def add(self, record: Record, place: Place) -> None:
        """Takes one row that has a prompt and one right answer."""
        self.file = self.file or place.file
        turns = learned_turns(record)
        # Many pairs for one prompt are how preferences are collected.
        if isinstance(record, Preference) or not turns:
            return
        if not any(turn.role != "system" and turn.content.strip() for turn in prompt_of(record)):
            return
        calls = [f"{call.name} {call.arguments}" for call in turns[-1].tool_calls]
        self.prompts.add(digest_of_prompt(record), place.line)
        self.answers.add(digest(turns[-1].content.strip(), *calls), place.line)

    def merge(self, other: LabelNoise) -> None:
        """Takes what was seen of a later part of the file."""
        self.file = self.file or other.file
        self.prompts.merge(other.prompts)
        self.answers.merge(other.answers)

    def findings(self) -> list[Finding]:
        """One finding for each prompt that has several answers, at its first line."""
        first_prompt = self.prompts.first_of_each()
        first_answer = self.answers.first_of_each()
        noisy = np.unique(first_prompt[first_answer != first_answer[first_prompt]])
        rows_of: dict[int, list[int]] = defaultdict(list)
        for row in np.flatnonzero(np.isin(first_prompt, noisy)).tolist():
            rows_of[int(first_prompt[row])].append(row)
        return [self._noise(rows, len(np.unique(first_answer[rows]))) for rows in rows_of.values()]

    def _noise(self, rows: list[int], answers: int) -> Finding:
        lines = [self.prompts.lines[row] for row in rows]
        named = ", ".join(map(str, lines[:_LINES_NAMED]))
        more = f" and {len(lines) - _LINES_NAMED} more" if len(lines) > _LINES_NAMED else ""
        return Place(self.file, lines[0]).found(
            "label.noise",
            f"lines {named}{more} have the same prompt but {answers} different answers",
            "Decide which answer is right, unless several are.",
        )
