"""The beginning of a stream, looked at without being lost."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from tunery.data.sources.limits import Damaged

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Replayed(io.RawIOBase):
    """The beginning of a stream, then what ended the look at it or the rest of the stream."""

    def __init__(self, head: bytes, stream: BinaryIO, damage: Damaged | None) -> None:
        self._head = memoryview(head)
        self._stream = stream
        self._damage = damage

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        given = self._head[: len(view)]
        self._head = self._head[len(given) :]
        if not given:
            if self._damage:
                raise self._damage
            given = memoryview(self._stream.read(len(view)))
        view[: len(given)] = given
        return len(given)


def look_ahead(stream: BinaryIO, wanted: int) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream, and a stream that begins with them again.

    Args:
        stream: May give fewer bytes than it is asked for.
        wanted: How many bytes; fewer come where the stream ends.

    Raises:
        Damaged: Not one byte can be read.
    """
    pieces: list[bytes] = []
    missing = wanted
    damage: Damaged | None = None
    try:
        while missing and (piece := stream.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
    except Damaged as error:
        if not pieces:
            raise
        damage = error
    head = b"".join(pieces)
    return head, cast("BinaryIO", _Replayed(head, stream, damage))
