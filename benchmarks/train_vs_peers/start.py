"""What all sides start from: the rows in the order of their steps, and the adapter's first values.

    $ python -m benchmarks.train_vs_peers.start USABLE.jsonl FOLDER --model MODEL --rows 48 ...

A process of its own, since it needs the model and its tokenizer. It writes `rows.jsonl` and
`adapter/`, in PEFT's format: A as Tunery draws it, B zero. The peers begin with that adapter, so
that losses can be compared after the first step too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.train_vs_peers.cases import Ordering
from tunery.data.read import read_conversations
from tunery.errors import TuneryError
from tunery.models.adapters import Adapter, save_adapter
from tunery.models.load import LoadedModel, open_model
from tunery.models.token_row import TokenRow
from tunery.prefix import lora
from tunery.prefix.attach import attach, initialise
from tunery.train.order import RowOrder

SEED = 0
"""Of the adapter's first values and of the order of grouped steps."""


def step_order(rows: Sequence[TokenRow], count: int, batch: int, order: Ordering) -> list[int]:
    """Indices of the rows that are trained, step after step.

    Args:
        rows: All usable rows.
        count: How many are trained.
        batch: Rows in a step.
        order: The file's order, or the one of `train.batching: grouped`: the whole file is laid
            out, and the steps drawn first are taken.
    """
    if order == "file":
        return list(range(count))
    planned = RowOrder(rows, batch, "grouped", SEED)
    laid_out = (planned.of_step(step) for step in range(planned.steps_per_epoch))
    # a step that is cut short by the end of the file would shift all that follow
    whole = [index for step in laid_out if len(step) == batch for index in step]
    return whole[:count]


def write_rows(source: Path, target: Path, order: Sequence[int]) -> None:
    """Writes the lines of a file in another order."""
    lines = source.read_text("utf-8").splitlines()
    target.write_text("".join(lines[index] + "\n" for index in order), "utf-8")


def write_adapter(model: LoadedModel, folder: Path, rank: int, alpha: int) -> None:
    """Writes the adapter that a run with `SEED` begins with, on every linear layer of a block."""
    head = model.network.get_output_embeddings()
    targets = sorted(
        {
            name.rpartition(".")[2]
            for name, module in model.network.named_modules()
            if type(module).__name__ == "Linear" and module is not head
        }
    )
    attach(model.network, targets, rank, alpha / rank)
    initialise(model.network, SEED)
    factors = {
        name: (layer.lora_a, layer.lora_b) for name, layer in lora.layers(model.network).items()
    }
    save_adapter(Adapter(model.name, rank, alpha, tuple(targets), factors), folder)


def main(arguments: Sequence[str]) -> int:
    """Writes both into the folder; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("usable", type=Path, help="chat JSONL, every usable row")
    parser.add_argument("folder", type=Path, help="is there; both are written to it")
    parser.add_argument("--model", type=Path, required=True, help="folder of a checkpoint")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--order", choices=("file", "grouped"), required=True)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--alpha", type=int, required=True)
    given = parser.parse_args(arguments)
    try:
        model = open_model(given.model.name, given.model, attention="sdpa")
        rows: list[TokenRow] = []
        if given.order == "grouped":
            rows = [model.template.row(row) for row in read_conversations(given.usable).rows]
        order = step_order(rows, given.rows, given.batch, given.order)
        write_rows(given.usable, given.folder / "rows.jsonl", order)
        write_adapter(model, given.folder / "adapter", given.rank, given.alpha)
    except TuneryError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
