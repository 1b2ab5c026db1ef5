"""Where converted rows go: a container chosen by the ending of the file's name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tunery.data.convert.parquet import schema_of
from tunery.data.convert.target import CannotHoldError, Object, TargetName
from tunery.data.records import Kind
from tunery.data.sources.csv_table import MAX_CELL_CHARACTERS
from tunery.errors import DataError

if TYPE_CHECKING:
    from _csv import Writer

    import pyarrow  # type: ignore[import-untyped]

Put = Callable[[Object], None]
"""Takes the next row; raises `CannotHoldError` if the container has no place for it."""

JSON_LINES = (".jsonl", ".ndjson")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
ENDINGS = (*JSON_LINES, ".json", *DELIMITERS, ".parquet")

# What the reader of tables takes for nothing.
BLANK = " \t\r\n\f\v\ufeff"

# Rows of Parquet that are kept until they are written together.
GROUP_ROWS = 10_000

_COLUMNS: dict[tuple[TargetName, Kind], tuple[str, ...]] = {
    ("alpaca", "sft"): ("instruction", "input", "output", "system"),
    ("alpaca", "preference"): ("instruction", "input", "chosen", "rejected", "system"),
    ("trl", "text"): ("text",),
}


def check_ending(path: Path, target: TargetName) -> None:
    """Stops a file whose ending no container has, or not that of the target.

    Raises:
        DataError: As said above.
    """
    ending = path.suffix.lower()
    if target == "parquet" and ending != ".parquet":
        raise DataError(
            f"The ending of {path} is not that of Parquet; expected .parquet.",
            "Name the file .parquet, or write another format with --to.",
        )
    if ending not in ENDINGS:
        raise DataError(
            f"The ending of {path} does not say what to write; expected one of "
            f"{', '.join(ENDINGS)}.",
            "Give the file one of these endings.",
        )
    if ending == ".parquet" and target != "parquet":
        raise DataError(
            f"{path} would be Parquet, which needs a type for each column; --to {target} has none.",
            "Write it with --to parquet, or name the file .jsonl.",
        )


@contextmanager
def open_container(path: Path, ending: str, target: TargetName, kind: Kind) -> Iterator[Put]:
    """Opens the file and closes it whole.

    Args:
        path: The file to write; it is overwritten.
        ending: The ending that the finished file will have.
        target: The format of the rows.
        kind: What the rows are for.
    """
    if ending == ".parquet":
        with _parquet(path, schema_of(kind)) as put:
            yield put
    elif ending in DELIMITERS:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield _table(csv.writer(file, delimiter=DELIMITERS[ending]), target, kind)
    else:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield from _json(file.write, ending == ".json")


def _json(write: Callable[[str], int], is_array: bool) -> Iterator[Put]:
    before = "[\n" if is_array else ""

    def put(row: Object) -> None:
        nonlocal before
        write(before + json.dumps(row, ensure_ascii=False) + ("" if is_array else "\n"))
        before = ",\n" if is_array else ""

    yield put
    if is_array:
        write("]\n" if before == "[\n" else "\n]\n")


def _table(table: Writer, target: TargetName, kind: Kind) -> Put:
    columns = _COLUMNS.get((target, kind), ())
    if columns:
        table.writerow(columns)

    def put(row: Object) -> None:
        odd = [k for k, held in row.items() if k not in columns or not isinstance(held, str)]
        if odd:
            raise CannotHoldError(f"a table holds texts, and {odd[0]} is none")
        cells = [str(row.get(column, "")) for column in columns]
        _check_cells(cells)
        table.writerow(cells)

    return put


def _check_cells(cells: list[str]) -> None:
    """Refuses what the reader of tables refuses, or takes for a blank line."""
    if any("\0" in cell for cell in cells):
        raise CannotHoldError("a text holds a zero byte, which no table can")
    if len(cells) == 1 and not cells[0].strip(BLANK):
        raise CannotHoldError("the row would be a blank line")
    if max(map(len, cells)) > MAX_CELL_CHARACTERS:
        raise CannotHoldError(f"a text is longer than {MAX_CELL_CHARACTERS:,} characters")


@contextmanager
def _parquet(path: Path, schema: pyarrow.Schema) -> Iterator[Put]:
    import pyarrow as pa
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    kept: list[Object] = []
    with pq.ParquetWriter(path, schema) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(kept, schema=schema))
            kept.clear()

        def put(row: Object) -> None:
            kept.append(row)
            if len(kept) == GROUP_ROWS:
                flush()

        yield put
        if kept:
            flush()
