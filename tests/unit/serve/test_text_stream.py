from hypothesis import given
from hypothesis import strategies as st

from tunery.serve.text_stream import TextStream


def decode(ids):
    """Tokens are bytes."""
    return bytes(ids).decode("utf-8", errors="replace")


def feed(text, stop=()):
    stream = TextStream(decode, stop)
    pieces = []
    for byte in text.encode():
        pieces.append(stream.push(byte))
        if stream.stopped:
            break
    return [*pieces, stream.finish()], stream


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd")))
def test_pieces_join_to_the_text_and_hold_whole_characters(text):
    pieces, stream = feed(text)
    assert "".join(pieces) == text == stream.text
    assert "\ufffd" not in "".join(pieces)
    assert stream.tokens == len(text.encode())


def test_a_stop_text_is_never_given_out():
    pieces, stream = feed("abc###def", stop=("###",))
    assert "".join(pieces) == "abc"
    assert stream.stopped
    assert stream.text == "abc"


def test_the_start_of_a_stop_text_is_held_back_and_given_when_it_was_none():
    stream = TextStream(decode, ("END",))
    assert [stream.push(byte) for byte in b"aEN"] == ["a", "", ""]
    assert stream.push(ord("x")) == "ENx"


def test_the_earliest_of_several_stop_texts_counts():
    pieces, _ = feed("one two three", stop=("three", "two"))
    assert "".join(pieces) == "one "


@given(
    text=st.text(st.sampled_from("a\u20acb"), max_size=12),
    stop=st.text(st.sampled_from("a\u20acb"), min_size=1, max_size=3),
)
def test_what_is_given_out_is_the_text_before_the_stop(text, stop):
    pieces, stream = feed(text, stop=(stop,))
    assert "".join(pieces) == stream.text == text.partition(stop)[0]
