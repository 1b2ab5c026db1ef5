"""The blockwise output layer equals the plain one, with every trait a family can give it."""

import pytest
import torch
from transformers import AutoModelForCausalLM, CohereConfig, Gemma2Config, GraniteConfig, PhiConfig

from tunery.prefix.head import OutputLayer, output_layer
from tunery.prefix.logprobs import logprobs

TRAITS = {
    "plain": {},
    "bias": {"bias": True},
    "scale": {"scale": 0.3},
    "softcap": {"softcap": 2.0},
    "all": {"bias": True, "scale": 1.7, "softcap": 1.5},
}


def given(*, bias=False, scale=1.0, softcap=None):
    """600 states (two chunks), 700 targets, 5000 tokens (two blocks), all trained."""
    generator = torch.Generator().manual_seed(0)
    new = {"generator": generator, "dtype": torch.float64}
    hidden = torch.randn(600, 6, **new).requires_grad_()
    weight = torch.randn(5000, 6, **new).requires_grad_()
    shift = torch.randn(5000, **new).requires_grad_() if bias else None
    owner = torch.randint(0, 600, (700,), generator=generator)
    target = torch.randint(0, 5000, (700,), generator=generator)
    return hidden, OutputLayer(weight, shift, scale, softcap), owner, target


def plain(hidden, head, owner, target):
    """The same by the textbook."""
    logits = torch.nn.functional.linear(hidden, head.weight, head.bias) * head.scale
    if head.softcap:
        logits = head.softcap * torch.tanh(logits / head.softcap)
    return torch.log_softmax(logits, dim=-1)[owner, target]


@pytest.mark.parametrize("name", TRAITS)
def test_values_and_all_gradients_equal_the_plain_output_layer(name):
    hidden, head, owner, target = given(**TRAITS[name])
    wanted = [t for t in (hidden, head.weight, head.bias) if t is not None]
    push = torch.linspace(-1, 2, len(target), dtype=torch.float64)
    own, other = logprobs(hidden, head, owner, target), plain(hidden, head, owner, target)
    torch.testing.assert_close(own, other)
    grads = torch.autograd.grad((own * push).sum(), wanted)
    expected = torch.autograd.grad((other * push).sum(), wanted)
    for grad, right in zip(grads, expected, strict=True):
        torch.testing.assert_close(grad, right, rtol=1e-9, atol=1e-12)


def test_a_frozen_output_layer_gets_no_gradient():
    hidden, head, owner, target = given()
    head.weight.requires_grad_(requires_grad=False)
    logprobs(hidden, head, owner, target).sum().backward()
    assert head.weight.grad is None
    assert hidden.grad.abs().sum() > 0


def test_an_output_layer_can_be_trained_on_frozen_states():
    hidden, head, owner, target = given(bias=True)
    hidden = hidden.detach()
    logprobs(hidden, head, owner, target).sum().backward()
    (right,) = torch.autograd.grad(plain(hidden, head, owner, target).sum(), [head.weight])
    torch.testing.assert_close(head.weight.grad, right)


SHAPE = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "pad_token_id": 1,
    "initializer_range": 0.5,
}
CONFIGS = {
    "granite": GraniteConfig(**SHAPE, logits_scaling=7.0),
    "cohere": CohereConfig(**SHAPE, logit_scale=0.4),
    "phi": PhiConfig(**SHAPE),
    "gemma2": Gemma2Config(**SHAPE, head_dim=8, final_logit_softcapping=1.5),
}


@pytest.mark.parametrize("family", CONFIGS)
@torch.no_grad()
def test_the_output_layer_read_from_a_model_gives_its_logits(family):
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(CONFIGS[family]).eval()
    if network.lm_head.bias is not None:
        network.lm_head.bias.normal_()
    ids = torch.arange(2, 12)[None]
    hidden = network.base_model(input_ids=ids).last_hidden_state[0]
    torch.testing.assert_close(output_layer(network).logits(hidden), network(ids).logits[0])
