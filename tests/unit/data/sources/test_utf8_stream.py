import codecs
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.sources.utf8_stream import encoding_of, utf8_stream

ENCODINGS = ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
MARKS = [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE]
MARKS += [codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE]


def read(data: bytes) -> bytes:
    stream, _ = utf8_stream(io.BytesIO(data), data[:4])
    pieces = []
    while piece := stream.read(7):
        pieces.append(piece)
    return b"".join(pieces)


@given(text=st.text(), which=st.integers(0, 4))
def test_a_mark_tells_the_encoding(text: str, which: int) -> None:
    text = text.lstrip("\ufeff\0")
    data = MARKS[which] + text.encode(ENCODINGS[which])
    assert read(data) == text.encode()


@pytest.mark.parametrize("encoding", ENCODINGS[:3])
def test_without_a_mark_ascii_tells_it(encoding: str) -> None:
    text = '{"a": "ü🚪"}\n'
    assert read(text.encode(encoding)) == text.encode()


@pytest.mark.parametrize("start", [b"", b"{", b"\0\0\0\0", b"{\0\0\0", b"ab\0\0", b"\xff\xfa"])
def test_what_is_no_known_encoding_is_utf8(start: bytes) -> None:
    assert encoding_of(start) == ("utf-8", 0)


def test_what_is_no_character_is_no_utf8_either() -> None:
    half = "a\ud83d\nb\n".encode("utf-16", "surrogatepass") + b"c"
    lines = read(half).split(b"\n")
    assert lines[0].startswith(b"a\xff")
    assert lines[1] == b"b"
    assert lines[2] == b"\xff"
