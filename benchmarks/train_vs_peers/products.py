"""The matrix products of steps, alone: how long does this machine need for them?

    $ echo '[[2000, 300], [1800, 280]]' | python -m benchmarks.train_vs_peers.products \
        --model FOLDER --threads 2

Reads micro-batches, each as its unique tokens T and its trained tokens S. For each it computes,
in float32 and by the library that Tunery takes here, x W^T and dy W for every linear layer (4 P T
operations for P weights), and for the output layer with V words the scores and the mean of its rows
under them (4 V h S), 4096 rows at a time. Every layer has a matrix of its own, so weights come from
memory as in a training. Prints one JSON object: seconds and operations.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM

from tunery.models.load import set_threads

VOCABULARY_ROWS = 4096
"""Rows of the output layer that are multiplied at once, as in training."""


def layer_shapes(folder: Path) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Shapes [outputs, inputs] of a model's linear layers in order, and of its output layer."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    with torch.device("meta"):
        network: Any = AutoModelForCausalLM.from_config(config)
    head = network.get_output_embeddings()
    linear = [m for m in network.modules() if isinstance(m, nn.Linear) and m is not head]
    return [tuple(layer.weight.shape) for layer in linear], tuple(head.weight.shape)


class Products:
    """The products of a micro-batch, with all their memory taken beforehand.

    Args:
        shapes: [outputs, inputs] of each linear layer.
        head: [words, hidden size] of the output layer.
        most_tokens: Largest T.
        most_targets: Largest S.
    """

    def __init__(
        self,
        shapes: Sequence[tuple[int, int]],
        head: tuple[int, int],
        most_tokens: int,
        most_targets: int,
    ) -> None:
        self.weights = [torch.randn(shape) for shape in shapes]
        self.head = torch.randn(head)
        widths = {width for shape in shapes for width in shape}
        self.given = {width: torch.randn(most_tokens, width) for width in widths}
        self.made = {width: torch.empty(most_tokens, width) for width in widths}
        self.hidden = torch.randn(most_targets, head[1])
        self.mean = torch.empty(most_targets, head[1])
        self.scores = torch.empty(VOCABULARY_ROWS * most_targets)

    def run(self, tokens: int, targets: int) -> int:
        """Computes them once; returns the operations."""
        done = 0
        for weight in self.weights:
            outputs, inputs = weight.shape
            torch.mm(self.given[inputs][:tokens], weight.T, out=self.made[outputs][:tokens])
            done += 2 * tokens * weight.numel()
        for part in self._vocabulary():
            scores = self.scores[: len(part) * targets].view(len(part), targets)
            torch.mm(part, self.hidden[:targets].T, out=scores)
            torch.mm(scores.T, part, out=self.mean[:targets])
            done += 4 * targets * part.numel()
        for weight in reversed(self.weights):
            outputs, inputs = weight.shape
            torch.mm(self.given[outputs][:tokens], weight, out=self.made[inputs][:tokens])
            done += 2 * tokens * weight.numel()
        return done

    def _vocabulary(self) -> Iterator[Tensor]:
        yield from self.head.split(VOCABULARY_ROWS)


def main(arguments: Sequence[str]) -> int:
    """Times the micro-batches of standard input; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="folder of a checkpoint")
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args(arguments)
    set_threads(given.threads)
    batches: list[tuple[int, int]] = json.load(sys.stdin)
    shapes, head = layer_shapes(given.model)
    most = [max(sizes) for sizes in zip(*batches, strict=True)]
    products = Products(shapes, head, *most)
    products.run(*batches[0])  # first touch of the memory
    begin = time.perf_counter()
    operations = sum(products.run(tokens, targets) for tokens, targets in batches)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "operations": operations}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
