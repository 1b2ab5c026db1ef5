from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tunery.data.conversation import Conversation, Message
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.run import compare
from tunery.evaluate.sample import samples_from
from tunery.testing.scripted_engine import ScriptedEngine

Row = tuple[str, str, str]


@pytest.fixture
def compared() -> Callable[..., Comparison]:
    """Compares two scripted models on rows of (reference, base answer, tuned answer)."""

    def run(rows: Sequence[Row], question: str = "question", **settings: Any) -> Comparison:
        conversations = [
            Conversation(
                (
                    Message("system", "Be brief."),
                    Message("user", f"{question} {line}"),
                    Message("assistant", reference),
                ),
                "test.jsonl",
                line,
            )
            for line, (reference, _, _) in enumerate(rows, start=1)
        ]

        def answer(column: int) -> Callable[[Sequence[Message]], str]:
            return lambda prompt: rows[int(prompt[-1].content.split()[-1]) - 1][column]

        engine = ScriptedEngine({"small": answer(1), "small-tuned": answer(2)})
        samples, unused = samples_from(conversations)
        return compare(engine, "small", "small-tuned", samples, unused=unused, **settings)

    return run
