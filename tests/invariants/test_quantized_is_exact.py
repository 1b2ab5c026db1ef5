"""LoRA on weights in few bits: exact over the dequantised base, in training, PEFT and serving."""

import copy
import sys

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit
from peft import PeftModel
from torch import nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from tunery.errors import UserError
from tunery.models.adapters import Adapter, load_adapter, save_adapter
from tunery.models.token_row import TokenRow
from tunery.prefix import attention, lora
from tunery.prefix.attach import attach, initialise, wear
from tunery.prefix.quantized import Quantized
from tunery.testing.tiny_models import save_tiny_model, tiny_llama
from tunery.train.loop import accumulate

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
WIDE = {"hidden_size": 64, "intermediate_size": 128}
ROWS = [
    TokenRow((2, 3, 4, 5, 6, 7, *range(8, 9 + n)), (0.0,) * (7 + n // 2) + (1.0,) * (n - n // 2))
    for n in (1, 5, 9, 40)
]


def network_of(kind, *, dora=False):
    attention.register()
    network = tiny_llama(**WIDE)
    network.set_attn_implementation(attention.NAME)
    attach(network, TARGETS, 4, 2.0, dora=dora, quantize=kind)
    initialise(network, 0)
    generator = torch.Generator().manual_seed(1)
    for layer in lora.layers(network).values():
        layer.lora_b.data.normal_(0, 0.2, generator=generator)
    lora.merge_all(network)
    return network


class OverDense(nn.Module):
    """LoRA or DoRA by its formula, over what the few bits stand for."""

    def __init__(self, layer):
        super().__init__()
        self.weight = nn.Parameter(layer.dense().double(), requires_grad=False)
        self.own = nn.ParameterList([p.detach().double() for p in layer.trained()])

    def forward(self, x):
        a, b, *magnitude = self.own
        whole = self.weight + 2.0 * b @ a
        if magnitude:
            whole = magnitude[0][:, None] * whole / whole.norm(dim=1, keepdim=True).detach()
        return x @ whole.T


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_gradients_equal_the_padded_computation_over_the_dequantised_base(kind, dora):
    network = network_of(kind, dora=dora)
    plain = copy.deepcopy(tiny_llama(**WIDE)).double()
    plain.set_attn_implementation("eager")
    books = []
    for name, layer in lora.layers(network).items():
        parent, _, child = name.rpartition(".")
        books.append(OverDense(layer))
        setattr(plain.get_submodule(parent), child, books[-1])
    longest = max(len(row.ids) for row in ROWS)
    fill = [longest - len(row.ids) for row in ROWS]
    ids = torch.tensor([row.ids + (0,) * n for row, n in zip(ROWS, fill, strict=True)])
    weights = torch.tensor([row.weights + (0.0,) * n for row, n in zip(ROWS, fill, strict=True)])
    mask = torch.tensor([[1] * (longest - n) + [0] * n for n in fill])
    logp = plain(input_ids=ids, attention_mask=mask).logits[:, :-1].log_softmax(dim=-1)
    picked = logp.gather(-1, ids[:, 1:, None])[:, :, 0]
    expected = -(picked * weights[:, 1:]).sum() / weights.sum()
    expected.backward()
    loss = accumulate(network, ROWS, "sft", 50)[0]
    assert loss == pytest.approx(float(expected.detach()), rel=1e-5)
    own = [p.grad for layer in lora.layers(network).values() for p in layer.trained()]
    grads = [p.grad for book in books for p in book.own]
    for ours, theirs in zip(own, grads, strict=True):
        assert (ours.double() - theirs).norm() < 1e-5 * theirs.norm()


def adapter_of(network, kind):
    layers = lora.layers(network)
    factors = {name: (layer.lora_a, layer.lora_b) for name, layer in layers.items()}
    return Adapter("base", 4, 8.0, TARGETS, factors, quantize=kind)


@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_a_served_adapter_computes_on_the_weights_of_its_training(tmp_path, kind):
    trained = network_of(kind)
    save_adapter(adapter_of(trained, kind), tmp_path)
    served = tiny_llama(**WIDE)
    ids = torch.arange(2, 40)[None]
    trained.set_attn_implementation("eager")
    with torch.no_grad():
        base = served(ids).logits
        wear(served, load_adapter(tmp_path))
        torch.testing.assert_close(served(ids).logits, trained(ids).logits, rtol=1e-4, atol=1e-4)
        wear(served, None)
        assert torch.equal(served(ids).logits, base)


@pytest.mark.filterwarnings("ignore")  # PEFT's and transformers' own, on quantised models
def test_peft_computes_the_same_on_the_same_nf4_base(tmp_path):
    trained = network_of("nf4")
    trained.set_attn_implementation("eager")
    save_adapter(adapter_of(trained, "nf4"), tmp_path / "adapter")
    save_tiny_model(tmp_path / "base")
    tiny_llama(**WIDE).save_pretrained(tmp_path / "base")
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32
    )
    base = AutoModelForCausalLM.from_pretrained(
        tmp_path / "base", quantization_config=config, dtype=torch.float32, device_map="cpu"
    )
    for name, layer in lora.layers(trained).items():
        theirs = base.get_submodule(name).weight
        assert torch.equal(dequantize_4bit(theirs.data, theirs.quant_state), layer.dense())
    quantised = PeftModel.from_pretrained(base, tmp_path / "adapter")
    rounded = tiny_llama(**WIDE)
    for name, layer in lora.layers(trained).items():
        rounded.get_submodule(name).weight.data = layer.dense()
    ids = torch.arange(2, 40)[None]
    with torch.no_grad():
        ours, theirs = trained(ids).logits, quantised(ids).logits
        # bitsandbytes' own product on a CPU is right to three digits only
        assert (ours - theirs).norm() < 0.02 * ours.norm()
        exact = PeftModel.from_pretrained(rounded, tmp_path / "adapter")(ids).logits
        torch.testing.assert_close(exact, ours, rtol=1e-4, atol=1e-4)


def test_few_bits_are_kept_and_without_the_library_it_is_said(monkeypatch):
    weight = torch.randn(64, 128)
    assert Quantized(weight, "nf4")._bits.nbytes == weight.numel() // 2
    assert Quantized(weight, "int8")._bits.nbytes == weight.numel()
    monkeypatch.setitem(sys.modules, "bitsandbytes.functional", None)
    with pytest.raises(UserError, match="needs bitsandbytes, which cannot be imported"):
        Quantized(weight, "nf4")
