"""How adapted blocks are computed follows from the tokens of a step."""

from transformers import AutoConfig, AutoModelForCausalLM

from tunery.prefix import attention, lora
from tunery.testing.padded import row, with_lora
from tunery.testing.tiny_models import tiny_llama
from tunery.train.halves import MERGED_FROM, using_halves
from tunery.train.order import RowOrder


def chosen(network, length, batch=2):
    rows = [
        row([2 + (n + i) % 250 for i in range(length)], [False] + [True] * (length - 1))
        for n in range(4)
    ]
    with using_halves(network, rows, RowOrder(rows, batch, "shuffled", 0)) as choices:
        return choices


def test_few_tokens_a_step_are_computed_beside_the_weights():
    network = with_lora()
    (choice,) = chosen(network, 20)
    assert (choice.name, choice.value) == ("adapters", "beside the weights, in 2 blocks")
    assert choice.reason == "a step has about 40 unique tokens; merging pays from 1000 on"
    assert all(layer.apart for layer in lora.layers(network).values())


def test_many_tokens_a_step_are_computed_with_merged_weights():
    network = with_lora()
    (choice,) = chosen(network, MERGED_FROM // 2)
    assert (choice.name, choice.value) == ("adapters", "merged each step, in 2 blocks")
    assert all(layer.kept for layer in lora.layers(network).values())


def test_a_model_without_adapters_is_left_alone():
    assert chosen(tiny_llama(), 20) == ()


def test_a_family_without_halves_is_left_alone():
    attention.register()
    settings = {"vocab_size": 258, "hidden_size": 32, "intermediate_size": 48}
    config = AutoConfig.for_model("olmo2", num_hidden_layers=1, num_attention_heads=4, **settings)
    network = with_lora(network=AutoModelForCausalLM.from_config(config).eval())
    assert chosen(network, 20) == ()
    assert not any(layer.apart for layer in lora.layers(network).values())
