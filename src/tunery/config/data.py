"""The `data` section: where the rows are and how to read them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tunery.config.section import Count, Section

FormatName = Literal[
    "auto",
    "chat",
    "prompt_completion",
    "alpaca",
    "sharegpt",
    "preference",
    "alpaca_preference",
    "openai_preference",
    "reinforcement",
    "kto",
    "classification",
    "qa",
    "text",
]


class ColumnMapping(Section):
    """Which columns of a table, or keys of objects, are which keys of the format."""

    prompt: str | None = None
    """Column with the user's text."""

    completion: str | None = None
    """Column with the answer to learn."""

    system: str | None = None
    """Column with a system prompt for its row; `data.system` is used where it is absent."""

    messages: str | None = None
    """Column with the list of messages."""

    conversations: str | None = None
    """Column with ShareGPT's list of turns."""

    tools: str | None = None
    """Column with the tools that the assistant may call."""

    parallel_tool_calls: str | None = None
    """Column that says whether one turn may hold several calls."""

    instruction: str | None = None
    """Column with Alpaca's instruction."""

    input: str | None = None
    """Column with what the instruction is about, or OpenAI's `input` of a preference."""

    output: str | None = None
    """Column with Alpaca's answer."""

    history: str | None = None
    """Column with Alpaca's earlier turns."""

    chosen: str | None = None
    """Column with the better answer."""

    rejected: str | None = None
    """Column with the worse answer."""

    text: str | None = None
    """Column with the text to classify, or to continue."""

    label: str | None = None
    """Column with the class of the text, or with the verdict on the answer."""

    label_text: str | None = None
    """Column with the name of the class, where `label` is a number."""

    context: str | None = None
    """Column with the passage that a question is about."""

    question: str | None = None
    """Column with the question."""

    answers: str | None = None
    """Column with the answer, or a list of answers."""


class TrainingFile(Section):
    """One of several files with rows to learn from."""

    file: Path
    """The file, or a data set of the library."""

    weight: float = Field(default=1.0, gt=0)
    """Its part of the mix, against the weights of the other files: with 3 and 1, three rows of
    the first for each row of the second. The mix is the largest in which no row is repeated."""


class DataSection(Section):
    """Where the rows are and how to read them.

    Paths are relative to the YAML file; `library:NAME` or `library:NAME@v2` in place of a path
    names a data set of the library.
    """

    train: Path | Annotated[tuple[TrainingFile, ...], Field(min_length=1)]
    """File with the rows to learn from: `.jsonl` or `.csv`; or a list of files to mix."""

    limit: Count | None = None
    """Train on that many rows, chosen by `train.seed` after validation rows were held out; all
    rows by default. For a quick trial."""

    validation: Path | Annotated[float, Field(gt=0, lt=1)] | None = None
    """File with rows for the validation loss, or the share of the training rows to hold out
    for it (above 0, below 1); none by default."""

    test: Path | None = None
    """File with held-out rows, on which base and tuned model are compared."""

    format: FormatName = "auto"
    """Format of the files; `auto` decides by the keys of the first rows."""

    columns: ColumnMapping | None = None
    """Columns whose names are not those of the format; the others are then left aside."""

    system: str | None = Field(default=None, min_length=1)
    """System prompt put before rows that have none."""

    max_tokens: int | None = Field(default=None, ge=8)
    """Longest row in tokens; longer rows are listed and left out. The model's context by
    default."""
