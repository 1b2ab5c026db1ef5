r"""Bytes to lines, in blocks: nothing is decoded, and only "\n" ends a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from tunery.data.sources.limits import BLOCK_BYTES, LIMITS, Damaged


def byte_lines(
    stream: BinaryIO, *, first: int = 1, longest: int = LIMITS.line_bytes
) -> Iterator[tuple[int, bytes | None]]:
    r"""Every line with its number, without the "\n" at its end; a "\r" before it stays.

    A line that is too long is passed over in blocks; in its place stands None.

    Args:
        stream: UTF-8 from the beginning of a line on, without a byte-order mark. A part of a
            file may stand for the file, with the number of its first line.
        first: Number of the first line.
        longest: Longest line in bytes.

    Raises:
        Damaged: The stream's own, with the number of the line that could not be read.
    """
    number = first
    pieces: list[bytes] = []  # of the line that has not ended yet
    held = 0
    while True:
        try:
            block = stream.read(BLOCK_BYTES)
        except Damaged as damage:
            damage.line = number
            raise
        if not block:
            break
        *ended, rest = block.split(b"\n")
        if ended and (held or len(ended[0]) > longest):
            held += len(ended[0])
            pieces.append(ended[0])
            yield number, b"".join(pieces) if held <= longest else None
            number += 1
            del ended[0]
            pieces, held = [], 0
        elif ended and held == 0:
            pieces = []
        if ended or not pieces:
            for line in ended:
                yield number, line
                number += 1
        held += len(rest)
        if held > longest:
            pieces.clear()
        elif rest:
            pieces.append(rest)
    if held:
        yield number, b"".join(pieces) if held <= longest else None
