"""A file that a user named, as rows: which container it is, and how it was understood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunery.data.sources.csv_table import open_table
from tunery.data.sources.jsonl import read_lines, refuse_array
from tunery.data.sources.row import SourceRow
from tunery.data.sources.text_file import BLANK, open_text
from tunery.errors import DataError

_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_CSV_ENDINGS = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file.

    Attributes:
        container: What the file is: "JSON Lines", "CSV".
        rows: Its rows, to be read once, in the order of the file.
        header: The columns of a table, in its order; None where each row has its own keys.
        note: How the container was understood, for the user; empty if there is nothing to say.
        in_parts: `parts.rows_of_part` can read it too.
    """

    container: str
    rows: Iterator[SourceRow]
    header: tuple[str, ...] | None = None
    note: str = ""
    in_parts: bool = False


@contextmanager
def open_rows(path: Path, names: Iterable[str] = ()) -> Iterator[Opened]:
    """The rows of a file.

    Args:
        path: The file.
        names: Columns that a table probably has; they tell its separator.

    Raises:
        NotFoundError: There is no such file.
        DataError: The file as a whole cannot be used, or its container cannot be told.
    """
    ending = path.suffix.lower()
    if ending in _CSV_ENDINGS:
        # Cells may hold line breaks of any kind, which `csv` wants untranslated.
        with open_text(path, "") as lines:
            table = open_table(lines, str(path), names)
            yield Opened("CSV", table.rows, table.header, table.note)
        return
    with open_text(path, "\n") as lines:
        first = next((text for line in lines if (text := line.strip(BLANK))), "")
        if ending not in _JSON_ENDINGS and first and first[0] not in "{[":
            raise DataError(
                f"What {path} holds cannot be told from its ending or its first line.",
                "Give the file the ending of what it holds: .jsonl, .csv or .tsv.",
            )
    with open_text(path, "\n") as lines:
        refuse_array(lines, path)
    with open_text(path, "\n") as lines:
        yield Opened("JSON Lines", read_lines(lines.buffer, str(path)), in_parts=True)
