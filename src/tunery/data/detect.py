"""Which format rows have, and how that was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tunery.config.data import FormatName
from tunery.data.formats.format import Format, Object
from tunery.data.formats.table import FORMATS
from tunery.data.wording import listed, nearest
from tunery.errors import DataError

SAMPLE_ROWS = 50


@dataclass(frozen=True, slots=True)
class Detected:
    """A format and the reason for it.

    Attributes:
        format: The format's name, never "auto".
        reason: One clause for the user.
    """

    format: FormatName
    reason: str


def detect_format(sample: Sequence[Object], file: str) -> Detected:
    """Decides by the keys of the first rows.

    Args:
        sample: The first rows that are objects, at most `SAMPLE_ROWS` of them.
        file: Path of the file, for the message.

    Raises:
        DataError: They are none of the formats.
    """
    if not sample:
        return Detected("chat", "no object among the first rows, so taken for the usual format")
    if votes := Counter(name for row in sample if (name := _match(row))):
        name, count = votes.most_common(1)[0]
        keys = listed(FORMATS[name].keys)
        return Detected(name, f"{count} of its first {len(sample)} rows have {keys}")
    if votes := Counter(name for row in sample if (name := _near_match(row))):
        name, _ = votes.most_common(1)[0]
        return Detected(name, f"its first rows have keys much like {listed(FORMATS[name].keys)}")
    have = f"the keys {listed(sample[0])}" if sample[0] else "no keys"
    expected = "; ".join(f"{listed(format.keys)} ({name})" for name, format in FORMATS.items())
    raise DataError(
        f"The first rows of {file} have {have}; expected those of a format: {expected}.",
        "Rename the keys, or say which column is which (data.columns).",
    )


def _match(row: Object) -> FormatName | None:
    return next((name for name, format in FORMATS.items() if format.matches(row)), None)


def _near_match(row: Object) -> FormatName | None:
    """The first format whose keys the row nearly has."""
    guessable = (format for format in FORMATS.values() if format.guessable)
    return next((format.name for format in guessable if _is_near(row, format)), None)


def _is_near(row: Object, format: Format) -> bool:
    return all(nearest(key, row) for key in format.keys)
