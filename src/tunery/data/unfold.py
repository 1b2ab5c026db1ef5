"""Objects that hold several rows, as one row each."""

from __future__ import annotations

from collections.abc import Iterator

from tunery.config.data import FormatName
from tunery.data.findings import Finding
from tunery.data.formats.table import FORMATS
from tunery.data.sources.row import SourceRow


def unfolded(rows: Iterator[SourceRow], format: FormatName) -> Iterator[SourceRow]:
    """The rows that stand in the objects of a file; most formats have one in each.

    Args:
        rows: The objects as they stand in the file.
        format: Their format. Rows of one object have the place of that object.
    """
    unfold = FORMATS[format].unfold
    if unfold is None:
        return rows
    return (
        row if isinstance(part, SourceRow) else _row(row, part)
        for row in rows
        for part in ((row,) if row.value is None else unfold(row.value, row.place))
    )


def _row(whole: SourceRow, part: dict[str, object] | Finding) -> SourceRow:
    if isinstance(part, Finding):
        return SourceRow(whole.place, problem=part)
    return whole if part is whole.value else SourceRow(whole.place, part)
