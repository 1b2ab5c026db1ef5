"""What is trained: a table of data sets, with what the peers need and what is to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Source = Literal["file", "tool_calls", "alpaca"]
"""How the rows are read: `file` as Tunery reads it, `tool_calls` and `alpaca` by a converter."""

Ordering = Literal["file", "grouped"]
"""Which rows form a step: the file's order, or rows that begin alike side by side."""

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Targets:
    """What is to be reached beside TRL.

    Attributes:
        speed: Rows/s, ours divided by the peer's, at least.
        memory: Peak memory, ours divided by the peer's, at most.
    """

    speed: float
    memory: float


@dataclass(frozen=True, slots=True)
class Case:
    """One training that all sides do.

    Attributes:
        name: What the command line calls it.
        file: The data file, absolute or in the folder of the data sets.
        source: How its rows are read.
        rows: How many are trained.
        batch: Rows in one optimizer step.
        micro_batch: Rows that TRL computes at once; its memory sets the limit. A step of TRL
            accumulates `batch / micro_batch` of them.
        order: How rows are laid out.
        pack_tokens: Longest pack of LLaMA-Factory, in tokens; None where it is not measured.
        pack_rows: Rows of the data set that fill such a pack, about.
        targets: What is to be reached, if anything was set.
    """

    name: str
    file: Path
    rows: int
    batch: int
    micro_batch: int
    source: Source = "file"
    order: Ordering = "file"
    pack_tokens: int | None = None
    pack_rows: int = 1
    targets: Targets | None = None


CASES: Mapping[str, Case] = {
    case.name: case
    for case in (
        # 692 tokens a row, 97 % of them the same in all rows
        Case(
            name="banking77",
            file=Path("banking77/chat_train.jsonl"),
            rows=48,
            batch=16,
            micro_batch=8,
            pack_tokens=2880,
            pack_rows=4,
            targets=Targets(speed=20, memory=1 / 5),
        ),
        # a list of tools in each prompt, about 1,100 tokens a row
        Case(
            name="drone",
            file=Path("drone_tool_calls/drone_training.jsonl"),
            source="tool_calls",
            rows=48,
            batch=16,
            micro_batch=4,
            targets=Targets(speed=15, memory=1 / 4),
        ),
        # about five questions share each passage, 231 tokens a row
        Case(
            name="squad",
            file=Path("squad_v2_articles_a/chat.jsonl"),
            order="grouped",
            rows=48,
            batch=16,
            micro_batch=8,
            targets=Targets(speed=6, memory=1 / 3),
        ),
        # nothing shared, 189 tokens a row
        Case(
            name="gsm8k",
            file=Path("gsm8k/chat_train_1000.jsonl"),
            rows=40,
            batch=8,
            micro_batch=8,
            pack_tokens=1536,
            pack_rows=8,
            targets=Targets(speed=4, memory=1 / 2),
        ),
        # short rows, 58 tokens each
        Case(
            name="instructions",
            file=Path("instructions/instruction-data.json"),
            source="alpaca",
            rows=96,
            batch=8,
            micro_batch=8,
            targets=Targets(speed=3, memory=1 / 2),
        ),
        # the sample task, which is in the repository
        Case(
            name="sample",
            file=REPOSITORY / "examples" / "support_triage" / "train.jsonl",
            rows=48,
            batch=8,
            micro_batch=8,
        ),
    )
}
"""All cases by name."""


def with_targets() -> list[Case]:
    """The cases that something is to be reached in, which `--all` measures."""
    return [case for case in CASES.values() if case.targets]
