"""One point: trains random rows with a random Llama, prints the time and the size of its steps.

$ python -m benchmarks.scaling.point --rows 32 --tokens 128 --shared 0 ...
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.scaling.points import Point
from tunery.config.method import MethodSection
from tunery.config.train import TrainSection
from tunery.models.chat_template import ChatTemplate
from tunery.models.load import LoadedModel, set_threads
from tunery.models.token_row import TokenRow
from tunery.prefix.attention import NAME, register
from tunery.testing.tiny_models import tiny_tokenizer
from tunery.train.events import StepDone
from tunery.train.run import train
from tunery.train.session import Session

STEPS = 4
"""The first one is not counted."""

BUDGET = 1024
"""Unique tokens computed at once, the same for all points: so memory must not grow with rows."""

TRAINED = 8
"""Tokens at the end of each row that are learned."""

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def random_rows(point: Point, seed: int = 0) -> list[TokenRow]:
    """Rows of random tokens, whose first part is the same in all."""
    draw = np.random.default_rng(seed)
    shared = round(point.shared * point.tokens)
    prefix = draw.integers(point.vocabulary, size=shared).tolist()
    weights = (0.0,) * (point.tokens - TRAINED) + (1.0,) * TRAINED
    rest = draw.integers(point.vocabulary, size=(point.rows, point.tokens - shared)).tolist()
    return [TokenRow((*prefix, *own), weights) for own in rest]


def random_model(point: Point) -> LoadedModel:
    """A random Llama of hidden size 256."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=point.vocabulary,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=point.blocks,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        attn_implementation=NAME,
    )
    network = LlamaForCausalLM(config).eval().requires_grad_(requires_grad=False)
    template = ChatTemplate(tiny_tokenizer(), [1])
    return LoadedModel("random", network, template, 1024, network.num_parameters())


def measure(point: Point) -> dict[str, Any]:
    """Trains a point; JSON values."""
    register()
    model, rows = random_model(point), random_rows(point)
    head = model.network.get_output_embeddings()
    linear = [m for m in model.network.modules() if isinstance(m, nn.Linear) and m is not head]
    weights = sum(layer.weight.numel() for layer in linear)
    steps: list[StepDone] = []
    with tempfile.TemporaryDirectory() as folder:
        train(
            model,
            rows,
            (),
            method=MethodSection(targets=TARGETS),
            settings=TrainSection(
                epochs=STEPS,
                batch_size=point.rows,
                batching="in_order",
                micro_batch_tokens=BUDGET,
                checkpoint_every=STEPS,
                schedule="constant",
            ),
            session=Session(Path(folder)),
            on_event=lambda event: steps.append(event) if isinstance(event, StepDone) else None,
        )
    return {
        "step_s": median(step.seconds for step in steps[1:]),
        "unique_tokens": steps[-1].unique_tokens,
        "row_tokens": steps[-1].tokens,
        "layer_weights": weights,
        "vocabulary": point.vocabulary,
    }


def main(arguments: Sequence[str]) -> int:
    """Prints one JSON object; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("rows", "tokens", "vocabulary", "blocks", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--shared", type=float, required=True)
    given = parser.parse_args(arguments)
    set_threads(given.threads)
    sizes = (given.rows, given.tokens, given.shared, given.vocabulary, given.blocks)
    print(json.dumps(measure(Point(*sizes))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
