"""Texts of a given label, for a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunery.data.formats.classification import system_prompt
from tunery.data.generate.asks import Ask
from tunery.data.generate.candidate import Candidate, Problem
from tunery.data.generate.tasks.task import (
    NO_REFERENCE_RULE,
    chat_row,
    misshapen,
    request,
    rows_schema,
    texts,
)
from tunery.data.generate.teacher import ChatMessages
from tunery.data.wording import listed, nearest, quote
from tunery.errors import UserError


@dataclass(frozen=True, slots=True)
class Classify:
    """Rows with a text and its label. Labels are asked for in turn, so that none is rare.

    Attributes:
        targets: The labels.
        system: System prompt of the rows; one that lists the labels by default.
    """

    targets: Sequence[str]
    system: str = ""
    name: str = "classify"

    def __post_init__(self) -> None:
        if len(set(self.targets)) < 2 or not all(label.strip() for label in self.targets):
            raise UserError(
                f"The task classify was given the labels {listed(self.targets)}; expected two "
                "different ones or more.",
                "Name them: --labels billing,delivery,other.",
            )

    def messages(self, ask: Ask) -> ChatMessages:
        """As `Task` has it."""
        rules = [
            "You write texts for training a classifier.",
            f"The labels are: {listed(self.targets)}.",
            "Write texts as people really send them: of different length, tone and wording, some "
            "short, some untidy. A text belongs to its label beyond doubt, but does not name it "
            "unless people would.",
            NO_REFERENCE_RULE,
        ]
        matter = " on matters of the passage" if ask.passage is not None else ""
        wanted = f"Write {ask.count} texts{matter} whose label is {quote(ask.target)}."
        return request(rules, ask, wanted)

    def schema(self, _ask: Ask) -> dict[str, object]:
        """As `Task` has it."""
        label: dict[str, object] = {"type": "string", "enum": list(self.targets)}
        return rows_schema({"text": {"type": "string"}, "label": label})

    def candidate(self, given: dict[str, object], ask: Ask) -> Candidate:
        """As `Task` has it. A text that came with another known label keeps that one."""
        found = texts(given, "text", "label")
        if isinstance(found, str):
            return misshapen(given, found)
        text, label = found
        problem = None
        if label not in self.targets:
            near = nearest(label, self.targets)
            meant = f"; {quote(near)} is near" if near else ""
            message = f"the label is {quote(label)}; expected {quote(ask.target)}{meant}"
            problem = Problem("row.unknown_label", message)
        row = chat_row(self.row_system, text, {"content": label})
        about = {"label": label}
        return Candidate(given, row, text, label, about=about, problem=problem)

    @property
    def row_system(self) -> str:
        """The system prompt of the rows."""
        return self.system or system_prompt(set(self.targets))

    def about(self) -> dict[str, object]:
        """As `Task` has it."""
        return {"task": self.name, "system": self.row_system, "labels": list(self.targets)}
