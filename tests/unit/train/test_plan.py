import platform

import psutil
import pytest
import torch

from tunery.config.train import TrainSection
from tunery.errors import DivergedError, UserError
from tunery.models.architecture import FAMILIES
from tunery.models.token_row import TokenRow
from tunery.prefix import attention, lora
from tunery.prefix.attach import attach, initialise
from tunery.prefix.recompute import recompute_blocks
from tunery.testing.tiny_models import tiny_llama
from tunery.train.device import (
    ComputeChoice,
    Memory,
    choose_compute,
    keep_freed_memory,
    memory_now,
    product_rate,
)
from tunery.train.loop import LoopSettings, accumulate, mean_loss, run_steps
from tunery.train.optimizer import PackedAdamW
from tunery.train.order import RowOrder
from tunery.train.plan import MOST_TOKENS, activation_bytes, make_plan, token_operations

COMPUTE = ComputeChoice(torch.float32, "because", 50.0, 10.0)
GIB = 2**30
LAYERS = FAMILIES["llama"].lora_targets


@pytest.fixture
def network():
    attention.register()
    model = tiny_llama()
    model.set_attn_implementation(attention.NAME)
    attach(model, LAYERS, 4, 2.0)
    initialise(model, 0)
    return model


def rows(count=10, length=40, shared=20):
    return [
        TokenRow(
            (*range(2, 2 + shared), *[50 + n] * (length - shared)),
            (0.0,) * (length - 5) + (1.0,) * 5,
            f"rows.jsonl:{n + 1}",
        )
        for n in range(count)
    ]


def plan(network, data, free=8 * GIB, **changes):
    settings = TrainSection(**{"epochs": 2, "batch_size": 4} | changes)
    memory = Memory(free, GIB)
    order = RowOrder(data, settings.batch_size, settings.batching, settings.seed)
    return make_plan(
        network, data, data[:2], settings, order=order, memory=lambda: memory, compute=COMPUTE
    )


def test_a_plan_counts_what_sharing_leaves(network):
    made = plan(network, rows())
    assert (made.rows, made.tokens, made.supervised_tokens) == (10, 400, 50)
    assert made.unique_tokens == 400 - 3 * 20 - 3 * 20 - 1 * 20
    assert made.steps == 6
    assert made.peak_bytes > GIB
    assert [choice.name for choice in made.choices] == ["compute type", "unique tokens at once"]


def test_a_given_budget_is_kept_and_not_called_a_choice(network):
    made = plan(network, rows(), micro_batch_tokens=64)
    assert made.budget == 64
    assert [choice.name for choice in made.choices] == ["compute type"]


def test_a_budget_that_is_not_given_fills_half_of_the_free_memory(network):
    data = rows()
    token_bytes = activation_bytes(network, data)
    made = plan(network, data, batch_size=10)  # all rows fit into one micro-batch
    fixed = made.peak_bytes - GIB - token_bytes * made.unique_tokens
    for tokens in (100, 1000, MOST_TOKENS):
        free = fixed + 2 * tokens * token_bytes
        assert plan(network, data, free).budget == tokens
        assert plan(network, data, free - 1).budget == tokens - 1
    assert plan(network, data, free + 100 * GIB).budget == MOST_TOKENS
    half_a_row = fixed + 40 * token_bytes
    assert plan(network, data, half_a_row).budget == 40  # never less than the longest row
    assert plan(network, [*data, *rows(1, 60)], half_a_row + 20 * token_bytes).budget == 60
    chosen = plan(network, data, half_a_row).choices[-1]
    assert (chosen.name, chosen.value) == ("unique tokens at once", "40")


def test_more_work_takes_longer(network):
    assert plan(network, rows(20)).seconds > plan(network, rows(10)).seconds


def test_a_row_that_cannot_fit_is_refused_with_the_numbers(network):
    with pytest.raises(
        UserError, match=r"longest row has 40 tokens and needs .* GiB, even.*; 0.0 GiB"
    ):
        plan(network, rows(), free=1000)


def test_a_row_that_fits_only_when_blocks_are_computed_again_is_trained_so(network):
    long = rows(3, 400)
    roomy, tight = plan(network, long), plan(network, long, free=17 * 2**20)
    assert (roomy.recompute, tight.recompute) == (False, True)
    assert tight.seconds > roomy.seconds
    assert tight.peak_bytes < roomy.peak_bytes
    assert "takes half as long again" in tight.choices[1].reason
    with pytest.raises(UserError, match="even with blocks computed again"):
        plan(network, long, free=16 * 2**20)


def test_blocks_computed_again_change_no_bit_of_the_gradient(network):
    for layer in lora.layers(network).values():
        layer.lora_b.data.fill_(0.01)
    gradients, calls = [], []
    network.model.layers[0].self_attn.register_forward_hook(lambda *_: calls.append(1))
    for again in (False, True):
        if again:
            recompute_blocks(network)
        calls.clear()
        network.zero_grad()
        accumulate(network, rows(4), "sft", 512)
        assert len(calls) == 1 + again
        gradients.append([p.grad.clone() for p in network.parameters() if p.requires_grad])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_activations_are_measured_without_the_weights(network):
    one = activation_bytes(network, rows())
    weights = sum(p.numel() * 4 for p in network.parameters())
    assert 1000 < one < weights


def test_the_compute_type_is_float32_with_a_measured_reason():
    choice = choose_compute()
    assert choice.dtype == torch.float32
    assert "GFLOP/s" in choice.reason
    assert product_rate(torch.float32, 1) > 0
    assert memory_now().free > 0


def test_a_container_s_limit_counts_where_it_is_lower(tmp_path):
    def free(limit, used):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{used}\n")
        return memory_now(tmp_path).free

    assert free(1_000_000, 400_000) == 600_000
    assert free(1_000_000, 1_000_001) == 0
    machine = psutil.virtual_memory().total
    for limit in (1000 * machine, "max"):
        assert 1_000_000 < free(limit, 0) <= machine
    assert 1_000_000 < memory_now(tmp_path / "no container").free <= machine
    assert memory_now(tmp_path).used > 1_000_000


def test_freed_memory_is_kept_where_the_c_library_is_glibc():
    assert keep_freed_memory() is (platform.libc_ver()[0] == "glibc")


def loop(data, steps, rate):
    order = RowOrder(data, 4, "shuffled", 0)
    return LoopSettings("sft", steps, order, rate, "constant", 0.0, 1.0, 512)


def test_training_lowers_the_loss(network):
    data = rows(8)
    optimizer = PackedAdamW(
        [f for layer in lora.layers(network).values() for f in (layer.lora_a, layer.lora_b)], 0.0
    )
    before = mean_loss(network, data, "sft", 512)
    for _ in run_steps(network, optimizer, data, loop(data, 10, 0.02)):
        pass
    assert mean_loss(network, data, "sft", 512) < before


def test_a_loss_that_is_no_number_stops_with_its_rows(network):
    layer = next(iter(lora.layers(network).values()))
    layer.lora_b.data.fill_(float("nan"))
    optimizer = PackedAdamW([layer.lora_a, layer.lora_b], 0.0)
    with pytest.raises(DivergedError, match=r"Step 1 has loss nan.*rows.jsonl:\d+ \(loss nan\)"):
        list(run_steps(network, optimizer, rows(), loop(rows(), 1, 0.01)))


def test_the_estimate_counts_layers_without_an_adapter_too(network):
    attention.register()
    few = tiny_llama()
    few.set_attn_implementation(attention.NAME)
    attach(few, ["q_proj"], 4, 2.0)
    assert sum(token_operations(few)) == sum(token_operations(network))
    upper = tiny_llama()
    attach(upper, LAYERS, 4, 2.0, last_blocks=1)
    below, above = token_operations(upper)
    assert (4 * below, 2 * above) == (sum(token_operations(network)),) * 2


def test_blocks_below_the_adapters_are_computed_once_while_their_states_fit(monkeypatch):
    attention.register()
    network = tiny_llama()
    network.set_attn_implementation(attention.NAME)
    attach(network, LAYERS, 4, 2.0, last_blocks=1)
    once = plan(network, rows())
    assert once.trunk_bytes == 4 * 32 * ((20 + 10 * 20) + (20 + 2 * 20))
    assert once.choices[1].value == "computed once"
    monkeypatch.setattr("tunery.train.plan.TRUNK_BYTES", once.trunk_bytes - 1)
    each = plan(network, rows())
    assert (each.trunk_bytes, each.choices[1].value) == (0, "computed in each step")
    assert each.seconds > once.seconds
