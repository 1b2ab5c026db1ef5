"""What a format is: the keys that tell it, and the reader of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tunery.config.data import FormatName
from tunery.data.findings import Finding, Place
from tunery.data.formats.row import Row

Object = dict[str, object]
RowReader = Callable[[Object, Place], Row]
Survey = Callable[[], Iterator[Object]]
"""Goes over all objects of the file, for what a format must know before its first row."""


@dataclass(frozen=True, slots=True)
class Format:
    """A way in which rows are written.

    Attributes:
        name: Its name in the configuration.
        keys: The keys that a row must have, for messages and for a near miss.
        matches: Whether a row looks like this format.
        reader: Makes the reader of one row, which never raises: what is wrong is in its findings.
            Making it may raise DataError, if the file as a whole is not of the format.
        guessable: Whether keys much like these tell the format; not where they are everyday words.
        unfold: The rows that stand in one object of the file, or what is wrong with it; None
            where an object is one row.
        row_by_row: A row is read the same whatever stands in the others.
    """

    name: FormatName
    keys: tuple[str, ...]
    matches: Callable[[Object], bool]
    reader: Callable[[Survey], RowReader]
    guessable: bool = True
    unfold: Callable[[Object, Place], Iterator[Object | Finding]] | None = None
    row_by_row: bool = True
