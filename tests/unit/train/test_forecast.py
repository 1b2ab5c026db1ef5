"""The reckoned training against the plan that is made with the network at hand."""

import json

import pytest
import torch

from tunery.config.train import TrainSection
from tunery.models.architecture import FAMILIES, read_architecture
from tunery.models.token_row import TokenRow
from tunery.prefix import attention
from tunery.prefix.attach import attach
from tunery.testing.tiny_models import tiny_llama
from tunery.train.device import ComputeChoice, Memory
from tunery.train.forecast import forecast
from tunery.train.order import RowOrder
from tunery.train.plan import make_plan

SHARED = tuple(range(2, 32))
ROWS = [TokenRow((*SHARED, n, n + 1), (0.0,) * 31 + (1.0,)) for n in range(40, 52)]
PLENTY = Memory(free=2**34, used=2**28)
FIXED = 440 * 2**20
"""Bytes that a process needs beside the tiny model, see `models.footprint`."""


@pytest.fixture(scope="module")
def network():
    attention.register()
    return tiny_llama(attn_implementation=attention.NAME)


@pytest.fixture(scope="module")
def shape(network):
    return read_architecture(json.loads(network.config.to_json_string()))


def reckon(shape, rows=ROWS, epochs=3, memory=PLENTY):
    order = RowOrder(rows, 4, "in_order", 0)
    return forecast(shape, rows, order, epochs, rank=4, memory=memory, gflops=10)


def test_steps_tokens_and_time_are_those_of_the_plan(network, shape):
    attach(network, FAMILIES["llama"].lora_targets, 4, 1.0)
    plan = make_plan(
        network,
        ROWS,
        (),
        TrainSection(epochs=3, batch_size=4),
        order=RowOrder(ROWS, 4, "in_order", 0),
        memory=lambda: PLENTY,
        compute=ComputeChoice(torch.float32, "", 10, 1),
    )

    found = reckon(shape)

    assert (found.steps, found.unique_tokens) == (plan.steps, plan.unique_tokens) == (9, 114)
    assert found.seconds == pytest.approx(plan.seconds)
    assert found.fits
    assert not found.recompute


def test_time_grows_with_epochs(shape):
    assert reckon(shape, epochs=6).seconds == pytest.approx(2 * reckon(shape).seconds)


def test_little_memory_recomputes_blocks_and_less_does_not_fit(shape):
    rows = [TokenRow(tuple([5] * 20_000), (0.0,) + (1.0,) * 19_999)]
    enough = reckon(shape, rows)
    assert not enough.recompute

    tight = reckon(shape, rows, memory=Memory(free=enough.peak_bytes - 1, used=0))
    none = reckon(shape, rows, memory=Memory(free=FIXED, used=0))

    assert (tight.recompute, tight.fits) == (True, True)
    assert tight.peak_bytes < enough.peak_bytes
    assert tight.seconds > enough.seconds
    assert (none.recompute, none.fits) == (True, False)
