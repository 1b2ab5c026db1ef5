"""Questions and answers: from a passage, with the words that prove them, or after examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunery.data.generate.asks import Ask
from tunery.data.generate.candidate import Candidate, Problem
from tunery.data.generate.support import unsupported
from tunery.data.generate.tasks.task import (
    NO_REFERENCE_RULE,
    chat_row,
    misshapen,
    request,
    rows_schema,
    texts,
)
from tunery.data.generate.teacher import ChatMessages

TEXT: dict[str, object] = {"type": "string"}


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """Rows that ask and answer.

    Attributes:
        system: System prompt of the rows; empty for none.
        with_passage: The passage stands before the question in the row.
        support: Share of the answer's words that must stand in the passage; 0 asks for nothing.
    """

    system: str = ""
    with_passage: bool = False
    support: float = 0.5
    name: str = "qa"
    targets: Sequence[str] = ()

    def messages(self, ask: Ask) -> ChatMessages:
        """As `Task` has it."""
        if ask.passage is None:
            rules = ["You write rows for training an assistant: a question and its right answer."]
            wanted = f"Write {ask.count} new rows like the examples, on other matters."
            return request(rules, ask, wanted)
        rules = [
            "You write questions and answers for training an assistant.",
            "Write what people would really ask, and answers that the passage alone proves, in "
            "the words of the passage where that is natural. Write in the passage's language.",
            '"quote" is the sentence or part of the passage that proves the answer, copied '
            "letter by letter.",
        ]
        if not self.with_passage:
            rules.append(NO_REFERENCE_RULE)
        return request(rules, ask, f"Write {ask.count} rows about the passage.")

    def schema(self, ask: Ask) -> dict[str, object]:
        """As `Task` has it."""
        keys = {"question": TEXT, "answer": TEXT}
        return rows_schema(keys if ask.passage is None else {**keys, "quote": TEXT})

    def candidate(self, given: dict[str, object], ask: Ask) -> Candidate:
        """As `Task` has it."""
        keys = ("question", "answer") if ask.passage is None else ("question", "answer", "quote")
        found = texts(given, *keys)
        if isinstance(found, str):
            return misshapen(given, found)
        question, answer, *quotes = found
        prompt, about = question, {}
        problem: Problem | None = None
        if ask.passage is not None:
            about["quote"] = quotes[0]
            if self.with_passage:
                prompt = f"{ask.passage.text}\n\n{question}"
            if self.support:
                problem = unsupported(answer, quotes[0], ask.passage.text, self.support)
        row = chat_row(self.system, prompt, {"content": answer})
        return Candidate(given, row, question, answer, about=about, problem=problem)

    def about(self) -> dict[str, object]:
        """As `Task` has it; how well answers must be supported may change."""
        return {"task": self.name, "system": self.system, "with_passage": self.with_passage}
