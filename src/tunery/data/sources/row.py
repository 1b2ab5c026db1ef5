"""What every source makes of one row of its file."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.data.findings import Finding, Place


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row that is not blank.

    Attributes:
        place: Where it stands.
        value: The object; None if `problem` says why there is none.
        problem: What is wrong with the row; None if nothing.
    """

    place: Place
    value: dict[str, object] | None = None
    problem: Finding | None = None
