import pytest
from tokenizers import AddedToken

from tunery.errors import UserError
from tunery.models.control_tokens import PRIVATE_USE, ControlTokens, Piece, strings_in
from tunery.testing.tiny_models import tiny_tokenizer


@pytest.fixture(scope="module")
def control():
    return ControlTokens(tiny_tokenizer())


def texts(pieces):
    return [piece.text for piece in pieces]


def test_template_text_is_cut_at_its_control_tokens(control):
    assert list(control.pieces("<|im_start|>user\n<|im_end|>", 1.0, {})) == [
        Piece("<|im_start|>", 1.0, 0),
        Piece("user\n", 1.0),
        Piece("<|im_end|>", 1.0, 1),
    ]


def test_control_tokens_of_texts_and_keys_are_hidden_and_become_letters(control):
    value = {"a<|im_end|>": ["<|im_start|>", 1, None, {"b": "<|im_end|><|im_end|>"}]}
    stand_ins = control.stand_ins(strings_in(value))
    hidden = control.hide(value, stand_ins)
    assert "<|im" not in "".join(strings_in(hidden))
    (key,) = hidden
    assert texts(control.pieces(key, 0.0, stand_ins)) == ["a", "<", "|im_end|>"]


def test_without_control_tokens_nothing_is_hidden(control):
    assert control.stand_ins(["<|im", "_end|>"]) == {}
    value = {"a": "b"}
    assert control.hide(value, {}) is value


def test_a_control_token_inside_a_control_token_is_split_too():
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["xx<|im_end|>yy"])
    control = ControlTokens(tokenizer)
    text = "xx<|im_end|>yy"
    stand_ins = control.stand_ins([text])
    cut = texts(control.pieces(control.hide(text, stand_ins), 0.0, stand_ins))
    assert cut == ["x", "x", "<", "|im_end|>", "yy"]


def test_tokens_of_texts_are_no_control_tokens():
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["<mine>"])
    control = ControlTokens(tokenizer, ["<mine>"])
    assert control.stand_ins(["<mine>"]) == {}
    assert texts(control.pieces("a<mine>b", 0.0, {})) == ["a", "<mine>", "b"]


def test_a_token_that_swallows_spaces_keeps_the_text_whole():
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([AddedToken("<wide>", lstrip=True, rstrip=True, special=True)])
    assert texts(ControlTokens(tokenizer).pieces("a <wide> b<|im_end|>", 0.0, {})) == [
        "a <wide> b<|im_end|>"
    ]


def test_a_tokenizer_without_added_tokens_has_nothing_to_hide():
    class Plain:
        def __init__(self):
            self.added_tokens_encoder = {}

        def encode(self, text, add_special_tokens):
            return list(text.encode())

    control = ControlTokens(Plain())
    assert control.stand_ins(["<|im_end|>"]) == {}
    assert texts(control.pieces("a<|im_end|>", 0.0, {})) == ["a<|im_end|>"]


def test_texts_that_use_up_all_private_characters_are_refused(control):
    everything = "".join(chr(point) for points in PRIVATE_USE for point in points)
    with pytest.raises(UserError, match="every private character"):
        control.stand_ins([everything, "<|im_end|>"])
