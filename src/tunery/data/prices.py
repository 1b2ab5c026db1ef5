"""What hosted fine-tuning services ask: a dated table, and what a user's own file changes in it.

    prices = load_prices([settings.home / "prices.yaml"])
    prices["openai/gpt-4.1-mini"].training  # US dollars for a million tokens

The table is `prices.yaml`. Every mistake in a user's file is told at once, with its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from importlib import resources
from pathlib import Path

from pydantic import Field, ValidationError

from tunery.config.document import Document, KeyPath, Problem, read_document
from tunery.config.problems import explain, show
from tunery.config.section import Section
from tunery.config.text import read_text
from tunery.errors import ConfigError

TABLE = "prices.yaml"
"""Name of the table that is delivered, and of the user's own in the home folder."""

MISSING = "Give the path of a YAML file with prices."
MOST = 1_000_000
"""Highest price, in US dollars; a higher one is most likely for another unit."""

HINT = "Correct these lines, then run the command again."


class TokenPrices(Section):
    """What requests cost, in US dollars for a million tokens."""

    input: float = Field(ge=0, le=MOST)
    """The prompt."""

    output: float = Field(ge=0, le=MOST)
    """The answer."""

    cached_input: float | None = Field(default=None, ge=0, le=MOST)
    """The part of the prompt that the service has seen just before; as `input` by default."""


class PriceEntry(Section):
    """One model at one service."""

    model: str = Field(min_length=1)
    """What is trained."""

    training: float = Field(ge=0, le=MOST)
    """US dollars for a million training tokens; every epoch counts."""

    longest_row: int | None = Field(default=None, ge=1)
    """Tokens of a row that are trained and billed; the rest is cut off. No limit by default."""

    base: TokenPrices | None = None
    """Requests to the model as it is; not known by default."""

    tuned: TokenPrices | None = None
    """Requests to the model after the training; not known by default."""

    hosting_per_hour: float = Field(default=0.0, ge=0, le=MOST)
    """US dollars an hour for the tuned model, used or not."""

    closes: date | None = None
    """From this day on no new training can be started."""

    ends: date | None = None
    """From this day on the tuned model no longer answers."""

    note: str = ""
    """What else to know."""

    as_of: date
    """Day on which the source had these figures."""

    source: str = Field(min_length=1)
    """Where they stood: an address, or a contract's name."""


Prices = dict[str, PriceEntry]
"""Entries by name, `service/model`."""


def load_prices(files: Iterable[Path] = ()) -> Prices:
    """The delivered table with the entries of files over it; later files win.

    Args:
        files: The user's own, each of which must be there.

    Raises:
        NotFoundError: A file is not there.
        ConfigError: Something in a file cannot be used; lists all of that file.
    """
    text = resources.files("tunery.data").joinpath(TABLE).read_text("utf-8")
    changes = [_read(text, TABLE)]
    for file in files:
        changes.append(_read(read_text(file, "price table", missing=MISSING), str(file)))
    merged: dict[str, PriceEntry | None] = {}
    for change in changes:
        merged |= change
    return {name: entry for name, entry in merged.items() if entry is not None}


def _read(text: str, source: str) -> dict[str, PriceEntry | None]:
    """The entries of a table; None for one that shall be left out."""
    document = read_document(text, source)
    problems = list(document.problems)
    value = {} if document.value is None else document.value
    entries: dict[str, PriceEntry | None] = {}
    if not isinstance(value, dict):
        told = f"the file is {show(value)}, expected entries such as `openai/gpt-4.1:`"
        problems.append(Problem(f"{source}:1", told, 1))
    elif not problems:  # an entry that was half read would seem to lack keys that it has
        for name, content in value.items():
            if content is None:
                entries[name] = None
                continue
            entry, wrong = _entry(name, content)
            entries[name] = entry
            problems += [_placed(document, source, path, told) for path, told in wrong]
    if problems:
        ordered = sorted(problems, key=lambda problem: problem.line)
        raise ConfigError("\n".join(str(problem) for problem in ordered), HINT)
    return entries


def _entry(name: str, content: object) -> tuple[PriceEntry | None, list[tuple[KeyPath, str]]]:
    """An entry, or what is wrong with it: paths and sentences."""
    if not isinstance(content, dict):
        keys = ", ".join(PriceEntry.model_fields)
        return None, [((name,), f"{name} is {show(content)}, expected a section with {keys}")]
    try:
        # strict JSON keeps YAML's types: '8' is no number and true is not 1
        return PriceEntry.model_validate_json(json.dumps(content), strict=True), []
    except ValidationError as error:
        found = explain(error, PriceEntry)
        return None, [((name, *problem.path), f"{name}: {problem.text}") for problem in found]


def _placed(document: Document, source: str, path: KeyPath, text: str) -> Problem:
    prefixes = (path[:length] for length in range(len(path), -1, -1))
    line = next((document.lines[p] for p in prefixes if p in document.lines), 1)
    return Problem(f"{source}:{line}", text, line)
