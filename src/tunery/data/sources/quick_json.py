"""The short way through a line of JSON: an object where all is well, and nothing else.

`json` takes twice the time of msgspec and says what is wrong; msgspec takes the last of two equal
keys without a word. So a line goes the short way only where its keys can be counted in its bytes:
each ends in a quote and a colon, and a quote inside a text is always behind a backslash. A line
for which that count is in doubt goes the thorough way of `jsonl`.
"""

from __future__ import annotations

import msgspec

_DECODE = msgspec.json.Decoder().decode
# A space before a colon would hide a key from the count, and an even number of backslashes before a
# quote would add one.
_DOUBTFUL = (b" :", b"\t:", b"\r:", b'\\\\"')


def quick_object(line: bytes) -> dict[str, object] | None:
    """The line's object, if it is certainly one and has no key twice; None if that is in doubt.

    Args:
        line: A line without blank characters other than JSON's at its ends.
    """
    try:
        value = _DECODE(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if type(value) is not dict or any(mark in line for mark in _DOUBTFUL):
        return None
    written = line.count(b'":') - line.count(b'\\":')
    return value if _keys(value) == written else None


def _keys(value: object) -> int:
    """Number of keys of all objects in a value."""
    if type(value) is dict:
        number = len(value)
        for inner in value.values():
            if type(inner) is list or type(inner) is dict:
                number += _keys(inner)
        return number
    number = 0
    if type(value) is list:
        for inner in value:
            if type(inner) is dict or type(inner) is list:
                number += _keys(inner)
    return number
