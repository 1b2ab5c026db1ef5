"""A large JSON Lines file in parts, for several processes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from tunery.data.sources.bytes_lines import byte_lines
from tunery.data.sources.jsonl import read_lines
from tunery.data.sources.quick_json import quick_object
from tunery.data.sources.row import SourceRow

PART_BYTES = 16 * 2**20
"""Enough for a process to be busy for half a second."""
_BLOCK_BYTES = 2**20
# A part starts at a row that can be read: what a broken row did to the rows after it is then told
# the same whether the file is read in parts or whole.
_MAX_SEARCHED_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that stand together.

    Attributes:
        start: Where the first of them starts, in bytes from the start of the file.
        end: Where the last one ends.
        first_line: Number of the first one, from 1.
    """

    start: int
    end: int
    first_line: int


def cut(path: Path, part_bytes: int) -> list[Part]:
    """Parts of about equal size, which together are the file.

    Args:
        path: A file of lines that end in a line feed, in UTF-8.
        part_bytes: Smallest size of a part, except the last.
    """
    parts: list[Part] = []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start, line = 0, 1
        while start < size:
            end = _start_of_row(path, min(start + part_bytes, size), size)
            parts.append(Part(start, end, line))
            file.seek(start)
            line += sum(block.count(b"\n") for block in _blocks(file, end - start))
            start = end
    return parts


def rows_of_part(path: Path, part: Part) -> Iterator[SourceRow]:
    """The rows of a part, with their lines in the file."""
    with path.open("rb") as file:
        file.seek(part.start)
        stream = cast("BinaryIO", _Piece(file, part.end - part.start))
        yield from read_lines(byte_lines(stream, first=part.first_line), str(path))


class _Piece(io.RawIOBase):
    """A number of bytes from where a file stands."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def _blocks(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0 and (block := file.read(min(_BLOCK_BYTES, length))):
        length -= len(block)
        yield block


def _start_of_row(path: Path, at: int, size: int) -> int:
    """The first line at or behind a place that is a row; the end of the file if none is near."""
    with path.open("rb") as file:
        file.seek(max(at - 1, 0))
        place = max(at - 1, 0) + len(file.readline(_MAX_SEARCHED_BYTES))
        last = min(size, at + _MAX_SEARCHED_BYTES)
        while place < last:
            line = file.readline(_MAX_SEARCHED_BYTES)
            if line.endswith(b"\n") and quick_object(line) is not None:
                return place
            place += len(line)
    return size
