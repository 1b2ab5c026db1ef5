"""Products of few rows equal the plain ones."""

import pytest
import torch
from torch import nn

from tunery.prefix.thin import MOST_ROWS, ThinLinear, make_thin, product
from tunery.testing.tiny_models import tiny_llama


@pytest.mark.parametrize("rows", [0, 1, 2, 7, MOST_ROWS, MOST_ROWS + 1])
@pytest.mark.parametrize("bias", [True, False])
def test_a_product_is_the_plain_one(rows, bias):
    generator = torch.Generator().manual_seed(rows)
    x = torch.randn(rows, 1, 24, generator=generator)
    weight = torch.randn(40, 24, generator=generator)
    added = torch.randn(40, generator=generator) if bias else None
    torch.testing.assert_close(
        product(x, weight, added), nn.functional.linear(x, weight, added), rtol=1e-5, atol=1e-5
    )


def test_a_thin_model_computes_the_same_and_shares_its_weights():
    plain, thin = tiny_llama(), tiny_llama()
    own = thin.model.layers[0].mlp.gate_proj.weight
    make_thin(thin)
    layer = thin.model.layers[0].mlp.gate_proj
    assert type(layer) is ThinLinear
    assert layer.weight is own
    ids = torch.tensor([[2, 3, 4], [5, 6, 7]])
    with torch.no_grad():
        torch.testing.assert_close(thin(ids).logits, plain(ids).logits)
    thin(ids).logits.sum().backward()
    assert layer.weight.grad is not None
