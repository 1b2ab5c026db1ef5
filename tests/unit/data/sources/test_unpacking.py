import gzip
import io
import random
import sys
from typing import BinaryIO

import pytest

from tunery.data.sources.limits import Damaged, Limits
from tunery.data.sources.unpacking import packing_of, unpacked

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK = {"gzip": gzip.compress, "zstd": zstd.compress}
TEXT = b"".join(b"%d a line of text\n" % n for n in range(20_000))


def read_all(stream: BinaryIO) -> tuple[bytes, Damaged | None]:
    pieces = []
    try:
        while piece := stream.read(10_000):
            pieces.append(piece)
    except Damaged as damage:
        return b"".join(pieces), damage
    return b"".join(pieces), None


def unpack(data: bytes, packing: str, **limits: int) -> tuple[bytes, Damaged | None]:
    return read_all(unpacked(io.BytesIO(data), packing, Limits(**limits)))


@pytest.mark.parametrize("packing", PACK)
def test_unpacks_what_was_packed_also_in_pieces(packing: str) -> None:
    pack = PACK[packing]
    for texts in ([TEXT], [b"", TEXT, b"", b"more"], [b""]):
        packed = b"".join(pack(text) for text in texts)
        assert packing_of(packed) == packing
        assert unpack(packed, packing) == (b"".join(texts), None)


def test_what_is_not_packed_stays() -> None:
    stream = io.BytesIO(b"text")
    assert packing_of(b"text") == ""
    assert unpacked(stream, "", Limits()) is stream


def test_zeros_behind_gzip_are_no_data() -> None:
    packed = gzip.compress(b"a") + bytes(200_000) + gzip.compress(b"b") + bytes(10)
    assert unpack(packed, "gzip") == (b"ab", None)


def test_skippable_pieces_of_zstd_are_skipped() -> None:
    skipped = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    assert packing_of(skipped) == "zstd"
    assert unpack(skipped + zstd.compress(b"text"), "zstd") == (b"text", None)


@pytest.mark.parametrize("packing", PACK)
def test_gives_what_stands_before_a_break(packing: str) -> None:
    packed = PACK[packing](random.Random(0).randbytes(500_000) + TEXT)
    whole, _ = unpack(packed, packing)
    given, damage = unpack(packed[: len(packed) * 3 // 4], packing)
    assert len(given) > 300_000
    assert whole.startswith(given)
    assert damage is not None
    assert (damage.code, "end too early" in damage.message) == ("file.broken_packing", True)


@pytest.mark.parametrize("packing", PACK)
def test_tells_what_is_broken(packing: str) -> None:
    packed = bytearray(PACK[packing](TEXT))
    packed[40:60] = bytes(20)
    _, damage = unpack(bytes(packed), packing)
    assert damage is not None
    assert "broken" in damage.message
    assert unpack(PACK[packing](b"a") + b"rest", packing)[1] is not None


@pytest.mark.parametrize("packing", PACK)
def test_stops_a_bomb(packing: str) -> None:
    bomb = PACK[packing](bytes(30_000_000))
    given, damage = unpack(bomb, packing, unpacked_bytes=1_000_000)
    assert damage is not None
    assert damage.code == "file.unpacks_too_large"
    assert "more than 500 times its size" in damage.message
    assert len(given) < 25_000_000
    assert unpack(bomb, packing)[1] is None  # too small to harm
    _, damage = unpack(bomb, packing, total_bytes=2 * 2**20)
    assert damage is not None
    assert "more than 2 MiB" in damage.message
