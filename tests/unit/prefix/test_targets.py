"""Which layers and blocks are meant."""

import pytest

from tunery.errors import UserError
from tunery.prefix.targets import chosen_blocks, chosen_layers
from tunery.testing.tiny_models import tiny_llama


def test_a_name_means_the_layers_of_that_name():
    names = chosen_layers(tiny_llama(), ["q_proj"])
    assert names == ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"]


def test_a_pattern_means_full_names():
    names = chosen_layers(tiny_llama(), ["*.layers.[1-9].mlp.*", "o_proj"], [1])
    assert [name.removeprefix("model.layers.1.") for name in names] == [
        "self_attn.o_proj",
        "mlp.gate_proj",
        "mlp.up_proj",
        "mlp.down_proj",
    ]


@pytest.mark.parametrize("target", ["w1", "*.layers.7.*", "lm_head", "*lm_head*"])
def test_a_target_that_means_nothing_is_refused(target):
    with pytest.raises(
        UserError, match=r"which is no linear layer of this model; it has down_proj"
    ):
        chosen_layers(tiny_llama(), ["q_proj", target])


def test_targets_outside_of_the_blocks_are_refused():
    with pytest.raises(UserError, match=r"means no layer of the blocks.*layers.0.mlp"):
        chosen_layers(tiny_llama(), ["*.layers.0.mlp.*"], [1])


def test_blocks_are_numbers_and_ranges():
    assert chosen_blocks(30, [0, "3-5", 4, "29"], None) == [0, 3, 4, 5, 29]
    assert chosen_blocks(30, None, 2) == [28, 29]
    assert chosen_blocks(2, None, 14) == [0, 1]
    assert chosen_blocks(2, None, None) is None


@pytest.mark.parametrize("item", [2, "1-2", "1-0"])
def test_blocks_that_are_not_there_are_refused(item):
    with pytest.raises(
        UserError, match=rf"method.blocks names {item}; expected blocks from 0 to 1"
    ):
        chosen_blocks(2, [0, item], None)
