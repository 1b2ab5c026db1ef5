"""Which format a file has, and how that was seen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tunery.config.data import FormatName
from tunery.data.text_file import BLANK
from tunery.data.wording import listed, nearest
from tunery.errors import DataError

SAMPLE_ROWS = 50

_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_CSV_ENDINGS = (".csv", ".tsv")
# The key that only rows of this format have; a prompt stands in preference rows as well.
_KEYS: dict[FormatName, str] = {"chat": "messages", "prompt_completion": "completion"}


@dataclass(frozen=True, slots=True)
class Detected:
    """A format and the reason for it.

    Attributes:
        format: The format's name, never "auto".
        reason: One clause for the user.
    """

    format: FormatName
    reason: str


def detect_format(path: Path, lines: Iterable[str]) -> Detected:
    """Decides by the file's ending and the keys of its first rows.

    Args:
        path: The file, for its ending.
        lines: Its lines, from the first on.

    Raises:
        DataError: It is none of the formats, or cannot be told.
    """
    ending = path.suffix.lower()
    if ending in _CSV_ENDINGS:
        return Detected("csv", f"the file ends in {ending}")
    filled = (text for line in lines if (text := line.strip(BLANK)))
    sample = list(islice(filled, SAMPLE_ROWS))
    if ending not in _JSON_ENDINGS and sample and sample[0][0] not in "{[":
        raise DataError(
            f"The format of {path} cannot be told from its ending or its first line.",
            "Give the format (data.format): chat, prompt_completion or csv.",
        )
    objects = [value for text in sample if (value := _object(text)) is not None]
    if not objects:
        return Detected("chat", "no object among the first rows, so taken for the usual format")
    if votes := Counter(vote for value in objects if (vote := _vote(value)) is not None):
        name, count = votes.most_common(1)[0]
        return Detected(name, f"{count} of its first {len(sample)} rows have the key {_KEYS[name]}")
    if votes := Counter(vote for value in objects if (vote := _near_vote(value)) is not None):
        name, _ = votes.most_common(1)[0]
        return Detected(name, f"its first rows have a key much like {_KEYS[name]}")
    keys = f"the keys {listed(objects[0])}" if objects[0] else "no keys"
    raise DataError(
        f'The first rows of {path} have {keys}; expected "messages", or "prompt" and "completion".',
        "Rename the keys, or convert the rows; a CSV file may have columns of any name.",
    )


def _object(text: str) -> dict[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _vote(value: dict[str, object]) -> FormatName | None:
    """The format whose own key the row has."""
    return next((name for name, key in _KEYS.items() if key in value), None)


def _near_vote(value: dict[str, object]) -> FormatName | None:
    """The format whose own key the row nearly has."""
    return next((name for name, key in _KEYS.items() if nearest(key, value)), None)
