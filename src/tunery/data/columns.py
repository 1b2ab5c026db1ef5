"""Columns under names of the user's own, as the keys that a format knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tunery.config.data import ColumnMapping
from tunery.data.sources.row import SourceRow
from tunery.data.wording import listed, nearest, quote
from tunery.errors import DataError


def renamed(rows: Iterator[SourceRow], columns: ColumnMapping | None) -> Iterator[SourceRow]:
    """The rows with the mapped columns under their keys.

    A column that already has the name of a key is kept, every other one is left aside.

    Args:
        rows: The rows as they stand in the file.
        columns: Which column is which key; None leaves the rows as they are.
    """
    if columns is None:
        return rows
    return (
        row if row.value is None else replace(row, value=_renamed(row.value, columns))
        for row in rows
    )


def _renamed(value: dict[str, object], columns: ColumnMapping) -> dict[str, object]:
    wanted = named(columns)
    own = {key: key for key in ColumnMapping.model_fields if key not in wanted.values()}
    return {key: value[c] for key, c in {**own, **wanted}.items() if c in value}


def named(columns: ColumnMapping | None) -> Mapping[str, str]:
    """Key to column, of those that the user named."""
    return {} if columns is None else columns.model_dump(exclude_none=True)


def check_columns(columns: ColumnMapping | None, have: list[str], file: str) -> None:
    """Stops a file that has none of the columns of a name.

    Args:
        columns: What the user named.
        have: The columns of the header, or the keys of the first rows.
        file: Path of the file, for the message.

    Raises:
        DataError: A named column is not there.
    """
    missing = [column for column in named(columns).values() if column not in have]
    if not missing or not have:
        return
    near = {guess: None for column in missing if (guess := nearest(column, have))}
    raise DataError(
        f"{file} has no column {listed(missing)}; its columns are {listed(have)}.",
        f"Did you mean {', '.join(quote(name) for name in near)}?"
        if near
        else "Name columns that the file has (data.columns).",
    )
