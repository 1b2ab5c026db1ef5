"""The short way through a line of JSON: an object where all is well, and nothing else.

`json` takes twice the time of msgspec and says what is wrong; msgspec takes the last of two equal
keys without a word. So a line goes the short way only where its keys can be counted in its bytes:
each ends in a quote and a colon, and a quote inside a text is always behind a backslash. A line
for which that count is in doubt goes the thorough way of `jsonl`.
"""

from __future__ import annotations

import msgspec

_DECODE = msgspec.json.Decoder().decode


def quick_object(line: bytes) -> dict[str, object] | None:
    """The line's object, if it is certainly one and has no key twice; None if that is in doubt.

    Args:
        line: A line without blank characters other than JSON's at its ends.
    """
    try:
        value = _DECODE(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if type(value) is dict and _keys(value) == _written_keys(line):
        return value
    return None


def _written_keys(line: bytes) -> int:
    """Number of keys in the bytes of valid JSON; -1 if in doubt."""
    number = 0
    pieces = line.split(b":")
    del pieces[-1]
    for piece in pieces:
        end = piece[-2:]
        if end[-1:] == b'"':
            if end[:1] != b"\\":
                number += 1
            elif piece[-3:-2] == b"\\":
                return -1  # the quote may end a text that ends in a backslash
        elif end[-1:] in _BLANKS:
            return -1  # a key may stand before the blank
    return number


_BLANKS = (b" ", b"\t", b"\r", b"\n")


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
