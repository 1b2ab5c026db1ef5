import io
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.sources import bytes_lines
from tunery.data.sources.bytes_lines import byte_lines
from tunery.data.sources.limits import BLOCK_BYTES, Damaged


class Slow(io.RawIOBase):
    """Gives a few bytes at a time, then perhaps breaks off."""

    def __init__(self, data: bytes, sizes: list[int], breaks: bool = False) -> None:
        self.data = io.BytesIO(data)
        self.sizes = sizes
        self.breaks = breaks

    def read(self, size: int = -1) -> bytes:
        step = self.sizes.pop(0) if self.sizes else 3
        piece = self.data.read(step)
        if not piece and self.breaks:
            raise Damaged("file.broken_packing", "broken", "Mend it.")
        return piece


def split(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines[:-1] if not lines[-1] else lines


@given(
    pieces=st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\xc2\x85", b"bcdefgh", b"\0"])),
    sizes=st.lists(st.integers(1, 9)),
    longest=st.integers(0, 12),
)
def test_lines_are_those_between_line_feeds(
    pieces: list[bytes], sizes: list[int], longest: int
) -> None:
    data = b"".join(pieces)
    stream = cast("io.BytesIO", Slow(data, sizes))
    expected = [
        (number, line if len(line) <= longest else None)
        for number, line in enumerate(split(data), start=5)
    ]
    assert list(byte_lines(stream, first=5, longest=longest)) == expected


def test_long_lines_cross_blocks() -> None:
    long = b"x" * (BLOCK_BYTES * 2 + 5)
    data = b"a\n" + long + b"\n" + b"b\n" * 600_000 + long
    found = list(byte_lines(io.BytesIO(data)))
    assert [line for _, line in found] == split(data)
    assert found[-1][0] == 600_003


def test_a_line_that_is_too_long_is_not_held() -> None:
    class Endless(io.RawIOBase):
        blocks = 2000

        def read(self, size: int = -1) -> bytes:
            self.blocks -= 1
            return b"x" * BLOCK_BYTES if self.blocks > 0 else b"\nend"[: 4 * (self.blocks == 0)]

    import tracemalloc

    tracemalloc.start()
    found = list(byte_lines(cast("io.BytesIO", Endless())))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(1, None), (2, b"end")]
    assert peak < 2.5 * bytes_lines.LIMITS.line_bytes


def test_tells_the_line_at_which_a_stream_broke_off() -> None:
    lines = byte_lines(cast("io.BytesIO", Slow(b"a\nb\nhalf", [], breaks=True)))
    assert [next(lines), next(lines)] == [(1, b"a"), (2, b"b")]
    with pytest.raises(Damaged) as caught:
        next(lines)
    assert caught.value.line == 3
