r"""Bytes to lines, in blocks: nothing is decoded, and only "\n" ends a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from tunery.data.sources.limits import BLOCK_BYTES, LIMITS, Damaged

NumberedLine = tuple[int, bytes | None]
"""A line and its number; None in place of a line that is too long."""


def byte_lines(
    stream: BinaryIO, *, first: int = 1, longest: int = LIMITS.line_bytes
) -> Iterator[NumberedLine]:
    r"""Every line with its number, without the "\n" at its end; a "\r" before it stays.

    A line that is too long is passed over in blocks; in its place stands None.

    Args:
        stream: UTF-8 from the beginning of a line on. A part of a file may stand for the file,
            with the number of its first line.
        first: Number of the first line.
        longest: Longest line in bytes.

    Raises:
        Damaged: The stream's own, with the number of the line that could not be read.
    """
    number = first
    for lines in _ended_lines(stream, longest, first):
        for line in lines:
            yield number, line
            number += 1


def _ended_lines(stream: BinaryIO, longest: int, number: int) -> Iterator[Sequence[bytes | None]]:
    """The lines that each block of the stream ended."""
    pieces: list[bytes] = []  # of the line that has not ended yet; none of one that is too long
    held = 0
    while True:
        try:
            block = stream.read(BLOCK_BYTES)
        except Damaged as damage:
            damage.line = number
            raise
        if not block:
            break
        lines = block.split(b"\n")
        rest = lines.pop()
        if lines:
            held += len(lines[0])
            if held > longest:
                yield (None,)
                number += 1
                del lines[0]
            elif pieces:
                lines[0] = b"".join([*pieces, lines[0]])
            pieces, held = [], 0
            yield lines if longest >= BLOCK_BYTES else _bounded(lines, longest)
            number += len(lines)
        held += len(rest)
        if held > longest:
            pieces = []
        elif rest:
            pieces.append(rest)
    if held:
        yield (b"".join(pieces) if held <= longest else None,)


def _bounded(lines: list[bytes], longest: int) -> list[bytes | None]:
    return [line if len(line) <= longest else None for line in lines]
