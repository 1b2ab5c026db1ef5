"""Loss and gradients on a prefix forest equal those of the plain padded computation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    SmolLM3Config,
)

from tunery.prefix import attention
from tunery.prefix.attach import attach
from tunery.prefix.forest import build_forest
from tunery.prefix.logprobs import target_logprobs
from tunery.prefix.plan import cut
from tunery.prefix.states import Trunk
from tunery.testing import tiny_models
from tunery.testing.padded import (
    RANK,
    SCALE,
    TARGETS,
    distance,
    reference,
    row,
    with_lora,
)
from tunery.testing.tiny_models import tiny_llama
from tunery.train.loop import accumulate, mean_loss, total_weight
from tunery.train.methods import sft
from tunery.train.optimizer import PackedAdamW

SHAPE = tiny_models.SHAPE | {"head_dim": 8}


@st.composite
def row_sets(draw):
    """Rows grown from one another: shared prefixes, duplicates, prefixes of other rows."""
    token = st.integers(2, 9)
    rows = []
    for _ in range(draw(st.integers(1, 7))):
        start = list(draw(st.sampled_from(rows)).ids) if rows and draw(st.booleans()) else []
        keep = start[: draw(st.integers(0, len(start)))]
        ids = keep + draw(st.lists(token, min_size=0 if len(keep) > 1 else 2, max_size=12))
        learned = draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
        rows.append(row(ids, learned))
    if not total_weight(rows):
        rows.append(row([2, 3], [False, True]))
    return rows


@settings(max_examples=60, deadline=None)
@given(rows=row_sets(), budget=st.integers(1, 60))
def test_gradients_of_a_step_equal_the_padded_computation(rows, budget):
    network = with_lora()
    expected, grads = reference(network, rows)
    loss, unique = accumulate(network, rows, "sft", budget)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert distance(network, grads) < 1e-5
    assert unique <= sum(len(r.ids) for r in rows)


@settings(max_examples=60, deadline=None)
@given(rows=row_sets(), min_shared=st.integers(1, 3))
def test_gradients_are_exact_however_much_is_shared(rows, min_shared):
    network = with_lora()
    expected, grads = reference(network, rows)
    forest = build_forest(rows, min_shared)
    loss = sft.loss(target_logprobs(network, forest), forest) / total_weight(rows)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    assert distance(network, grads) < 1e-5


@settings(max_examples=60, deadline=None)
@given(rows=row_sets(), min_shared=st.integers(1, 6))
def test_each_row_can_be_read_back_from_the_forest(rows, min_shared):
    forest = build_forest(rows, min_shared)
    covered = [token for node in forest.nodes for token in range(node.start, node.end)]
    assert covered == list(range(forest.unique_tokens))
    spelled = {path_ids(forest, node) for node in forest.nodes}
    for r in rows:
        assert any(ids[: len(r.ids)] == r.ids for ids in spelled)
    for index, r in enumerate(rows):
        mine = forest.target_row == index
        learned = [i for i, weight in enumerate(r.weights) if weight]
        assert forest.target_id[mine].tolist() == [r.ids[i] for i in learned]
        positions = forest.position_ids[forest.target_index[mine]]
        assert positions.tolist() == [i - 1 for i in learned]


def path_ids(forest, node) -> tuple[int, ...]:
    """Ids from the root to the end of a node."""
    above = [n for n in forest.nodes if n.start < node.start < n.below]
    return tuple(i for n in [*above, node] for i in forest.input_ids[n.start : n.end].tolist())


def test_everything_shared_when_asked():
    rows = [row([2, 3, 4, 5], [False] * 3 + [True]), row([2, 3, 4, 6], [False] * 3 + [True])]
    assert build_forest(rows, min_shared=1).unique_tokens == 5
    assert build_forest(rows, min_shared=4).unique_tokens == 8


@pytest.fixture
def float64():
    """AdamW divides by the gradient's size, so in float32 rounding of a tiny one would show."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("float64")
def test_every_cut_of_a_step_gives_the_same_weights():
    rows = [row([2, 3, 4, 5, *range(6, 6 + n)], [False] * 4 + [True] * n) for n in range(1, 9)]
    assert len(cut(rows, 1)) == 8
    assert len(cut(rows, 1000)) == 1
    weights = []
    for budget in (1, 9, 20, 30, 1000):
        network = with_lora()
        optimizer = PackedAdamW([p for p in network.parameters() if p.requires_grad], 0.0)
        accumulate(network, rows, "sft", budget)
        optimizer.step(1e-3, 1.0)
        weights.append(optimizer.values.detach().clone())
    for other in weights[1:]:
        torch.testing.assert_close(other, weights[0], rtol=0, atol=1e-6)


def test_long_shared_prefix_beyond_the_kernel_block():
    generator = torch.Generator().manual_seed(3)
    prefix = torch.randint(2, 250, (300,), generator=generator).tolist()
    rows = [
        row(
            prefix + torch.randint(2, 250, (n,), generator=generator).tolist(),
            [False] * 300 + [True] * n,
        )
        for n in (1, 40, 150)
    ]
    network = with_lora()
    expected, grads = reference(network, rows)
    loss, unique = accumulate(network, rows, "sft", 10_000)
    assert unique == 300 + 1 + 40 + 150
    assert loss == pytest.approx(expected, rel=1e-5)
    assert distance(network, grads) < 1e-5


FAMILIES = {
    "llama": (LlamaConfig(**SHAPE, attention_bias=True), TARGETS),
    "mistral": (MistralConfig(**SHAPE, sliding_window=64), TARGETS),
    "smollm3": (SmolLM3Config(**SHAPE), TARGETS),
    "qwen2": (Qwen2Config(**SHAPE), TARGETS),
    "qwen3": (Qwen3Config(**SHAPE), TARGETS),
    "gemma3": (Gemma3TextConfig(**SHAPE, sliding_window=64, query_pre_attn_scalar=8), TARGETS),
    "phi3": (
        Phi3Config(**SHAPE, sliding_window=64),
        ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"),
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_are_exact_in_every_family_of_the_catalog(family):
    config, targets = FAMILIES[family]
    torch.manual_seed(1)
    network = with_lora(network=AutoModelForCausalLM.from_config(config).eval(), targets=targets)
    rows = [
        row(
            [2, 3, 4, 5, 6, 7, *range(8, 8 + n), 90 + n],
            [False] * (6 + n // 2) + [True] * (n + 1 - n // 2),
        )
        for n in (1, 5, 9, 40)
    ]
    expected, grads = reference(network, rows)
    loss, unique = accumulate(network, rows, "sft", 10_000)
    assert unique < sum(len(r.ids) for r in rows)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert distance(network, grads) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_are_exact_on_a_trunk_that_is_computed_once(family):
    config, targets = FAMILIES[family]
    torch.manual_seed(1)
    network = AutoModelForCausalLM.from_config(config).eval()
    network = with_lora(network=network, targets=targets, last_blocks=1)
    start = [2, 3, 4, 5, 6, 7]
    rows = [row([*start, *range(8, 9 + n)], [False] * 7 + [True] * n) for n in (1, 5, 9, 20)]
    trunk = Trunk(network, [rows, [row([2, 9], [False, True])]], 24)
    ran = []
    watch = network.model.layers[0].mlp.register_forward_hook(lambda *_: ran.append(True))
    for batch in (rows[:3], rows[1:]):
        expected, grads = reference(network, batch)
        ran.clear()
        loss, _ = accumulate(network, batch, "sft", 10_000, trunk)
        assert not ran
        assert loss == pytest.approx(expected, rel=1e-5)
        assert distance(network, grads) < 1e-5
        network.zero_grad()
    watch.remove()
    assert mean_loss(network, rows, "sft", 24, trunk) == pytest.approx(
        mean_loss(network, rows, "sft", 24), rel=1e-5
    )


def test_blocks_below_the_last_adapted_ones_stay_untouched():
    attention.register()
    network = tiny_llama()
    network.set_attn_implementation(attention.NAME)
    names = attach(network, TARGETS, RANK, SCALE, last_blocks=1)
    assert names
    assert all(name.startswith("model.layers.1.") for name in names)
