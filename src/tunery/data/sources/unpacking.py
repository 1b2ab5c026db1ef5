"""gzip and zstd, unpacked as they are read, with a bound on what little may become much.

stream = unpacked(stream, limits)  # the stream itself if it is not packed
"""

from __future__ import annotations

import io
import sys
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from tunery.data.sources.limits import BLOCK_BYTES, MIB, Damaged, Limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_SKIPPABLE_ZSTD = frozenset(bytes([n, 0x2A, 0x4D, 0x18]) for n in range(0x50, 0x60))


def packing_of(start: bytes) -> str:
    """What a file that begins like this is packed with: "gzip", "zstd" or ""."""
    if start[:4] in _SKIPPABLE_ZSTD:
        return "zstd"
    return next((name for mark, name in PACKINGS.items() if start.startswith(mark)), "")


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a packed stream.

    Args:
        stream: The packed bytes, from the first on.
        packing: "gzip" or "zstd".
        limits: What is taken.

    Reading raises `Damaged` where the data are broken, end too early, or unpack to more than
    the limits allow; all bytes before that point have been given.
    """

    def __init__(self, stream: BinaryIO, packing: str, limits: Limits) -> None:
        self._stream = stream
        self._packing = packing
        self._limits = limits
        self._member: zlib._Decompress | zstd.ZstdDecompressor | None = None
        self._input = b""
        self._taken = 0
        self._given = 0

    def readable(self) -> bool:
        """Always: this is for reading."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fills the buffer, or as much of it as one step gives; 0 at the end."""
        view = memoryview(buffer).cast("B")
        while view:  # no room would mean no limit below
            if self._member is None and not self._next_member():
                return 0
            given = self._step(len(view))
            if given:
                view[: len(given)] = given
                return len(given)
        return 0

    def _next_member(self) -> bool:
        """Begins the next piece, if there is one."""
        self._input = self._input or self._more()
        if self._packing == "gzip" and self._given:
            # zeros that fill up a block of a tape
            while self._input and not (rest := self._input.lstrip(b"\0")):
                self._input = rest or self._more()
            self._input = self._input.lstrip(b"\0")
        if not self._input:
            return False
        self._member = (
            zlib.decompressobj(wbits=31) if self._packing == "gzip" else zstd.ZstdDecompressor()
        )
        return True

    def _step(self, room: int) -> bytes:
        member = self._member
        assert member is not None
        try:
            given = member.decompress(self._input, room)
        except (zlib.error, zstd.ZstdError, EOFError, MemoryError) as error:
            raise Damaged(
                "file.broken_packing",
                f"the {self._packing} data are broken {self._where()}: {error}",
                "Download or pack the file again; the rows before this point are used.",
            ) from None
        self._input = getattr(member, "unconsumed_tail", b"")
        self._given += len(given)
        if member.eof:
            self._input = member.unused_data
            self._member = None
        elif not given and not self._input:
            self._input = self._more()
            if not self._input:
                raise Damaged(
                    "file.broken_packing",
                    f"the {self._packing} data end too early, {self._where()}",
                    "Download or pack the file again; the rows before this point are used.",
                )
        self._refuse_bomb()
        return given

    def _more(self) -> bytes:
        data = self._stream.read(BLOCK_BYTES // 16)
        self._taken += len(data)
        return data

    def _where(self) -> str:
        return f"after {self._given:,} unpacked bytes"

    def _refuse_bomb(self) -> None:
        limits, given, taken = self._limits, self._given, self._taken
        if given > limits.total_bytes:
            why = f"more than {limits.total_bytes // MIB:,} MiB"
        elif given > limits.unpacked_bytes and given > limits.ratio * taken:
            why = f"more than {limits.ratio} times its size"
        else:
            return
        raise Damaged(
            "file.unpacks_too_large",
            f"{taken:,} bytes of {self._packing} became {given:,}; expected less, this is {why}",
            "If the data are meant to be like this, unpack the file and name the unpacked one.",
        )


def unpacked(stream: BinaryIO, packing: str, limits: Limits) -> BinaryIO:
    """The stream without its packing; itself if `packing` is empty.

    Its `read` gives what one step unpacks, so that nothing is lost where the next step fails.
    """
    return cast("BinaryIO", Unpacked(stream, packing, limits)) if packing else stream
