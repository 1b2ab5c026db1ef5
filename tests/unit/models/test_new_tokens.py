"""New tokens: what is refused, and how text with them is rendered."""

import pytest

from tunery.data.conversation import Conversation, Message
from tunery.errors import UserError
from tunery.models.load import open_model
from tunery.models.new_tokens import add_tokens, own_template
from tunery.prefix import attention
from tunery.testing.tiny_models import save_tiny_model


@pytest.fixture
def model(tmp_path):
    attention.register()
    return open_model("tiny", save_tiny_model(tmp_path / "base"), attention=attention.NAME)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["<|im_end|>"], "is a token of this model already"),
        (["a"], "is a token of this model already"),
        (["<x>", ""], "New token 2 is ''"),
        ([" "], "New token 1 is ' '"),
        (["<x>", "<x>"], "is given twice"),
        (["<|im_end|>!"], "holds the control token '<|im_end|>'"),
    ],
)
def test_what_cannot_be_a_new_token(model, tokens, said):
    with pytest.raises(UserError) as caught:
        add_tokens(model, tokens)
    assert said in caught.value.message
    assert caught.value.hint == "Correct method.new_tokens."
    assert model.network.config.vocab_size == 258


def test_text_holds_a_new_token_but_no_control_token(model, tmp_path):
    base = model.template
    grown = add_tokens(model, ["<tool>"])
    said = "<tool>x<|im_end|>"
    row = grown.template.row(
        Conversation((Message("user", said), Message("assistant", "<tool>y")), "f", 1)
    )
    assert row.ids.count(258) == 2
    assert row.ids.count(1) == 2  # the end of each turn, not that in the user's text
    assert grown.template.text([258]) == "<tool>"
    assert grown.parameters == model.parameters + 32
    assert own_template(tmp_path, base) is None
    fresh = open_model("tiny", tmp_path / "base", attention=attention.NAME)
    grown.template.tokenizer.save_pretrained(tmp_path / "adapter")
    again = own_template(tmp_path / "adapter", fresh.template)
    prompt = [Message("user", said)]
    assert again.prompt_ids(prompt) == grown.template.prompt_ids(prompt)
    assert 258 not in fresh.template.prompt_ids(prompt)


def test_a_damaged_tokenizer_is_named(model, tmp_path):
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        own_template(tmp_path, model.template)
