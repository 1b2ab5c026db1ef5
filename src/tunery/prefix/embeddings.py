"""Training the embedding beside LoRA factors: the whole table, or the rows of new tokens.

A tied output layer is the same table, and autograd adds both uses up. For single rows the gradient
of the table is computed as a whole and all but those rows is dropped at once, so any embedding that
a family has gives the exact gradient.

Shapes: V rows of a table, d hidden size, n trained rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tunery.errors import MismatchError
from tunery.models.adapters import Adapter
from tunery.models.new_tokens import grow, tables


class TrainedRows(nn.Module):
    """The last rows of a table as a parameter of its own.

    `merge` must be called after the parameter changed, as with `lora.LoraLinear`.

    Args:
        table: [V, d]; asks for a gradient from now on, and keeps none.
        first: Index of the first row that is trained.
        count: How many are, n.
    """

    def __init__(self, table: nn.Parameter, first: int, count: int) -> None:
        super().__init__()
        self.first = first
        self.rows = nn.Parameter(table.detach()[first : first + count].clone())
        self._table = [table]  # in a list: the table is the network's parameter, not this one's
        table.requires_grad = True
        table.register_post_accumulate_grad_hook(self._take)

    def _take(self, table: Tensor) -> None:
        if table.grad is None:
            return
        part = table.grad[self.first : self.first + len(self.rows)]
        if self.rows.grad is None:
            self.rows.grad = part.clone()
        else:
            self.rows.grad.add_(part)
        table.grad = None

    @torch.no_grad()
    def merge(self) -> None:
        """Writes the rows into the table."""
        self._table[0].data[self.first : self.first + len(self.rows)] = self.rows


def train_rows(network: Any, first: int, count: int) -> dict[str, Tensor]:
    """Lets rows of embedding and output layer be trained.

    Args:
        network: Changed in place.
        first: Id of the first token whose row is trained.
        count: How many tokens.

    Returns:
        Table's full name to its rows, [n, d]; one entry if the tables are tied.
    """
    found: dict[str, Tensor] = {}
    for name, module in tables(network).items():
        trained = TrainedRows(module.weight, first, count)
        module.add_module("trained_rows", trained)
        found[name] = trained.rows
    return found


def train_tables(network: Any) -> dict[str, Tensor]:
    """Lets embedding and output layer be trained whole; full name to table, [V, d].

    Tied ones have two names and one table: PEFT wants both of an adapter.
    """
    found = {name: module.weight for name, module in tables(network, tied=True).items()}
    for table in found.values():
        table.requires_grad_(requires_grad=True)
    return found


def trained_parameters(network: nn.Module) -> int:
    """Weights that training changes: a table of which single rows are trained counts as those."""
    inside = {
        id(table)
        for module in network.modules()
        if isinstance(module, TrainedRows)
        for table in module._table
    }
    return sum(p.numel() for p in network.parameters() if p.requires_grad and id(p) not in inside)


@torch.no_grad()
def put_on(network: Any, adapter: Adapter) -> None:
    """Gives a base model the embedding that an adapter was trained with.

    Args:
        network: Changed in place, for good.
        adapter: With tables or rows; without, nothing happens.

    Raises:
        MismatchError: They are not those of this model.
    """
    if not adapter.own_embedding:
        return
    embedding = network.get_input_embeddings()
    width, known = embedding.weight.shape[1], len(embedding.weight)
    there, given = tables(network, tied=bool(adapter.tables)), {**adapter.tables, **adapter.rows}
    odd = [name for name, values in given.items() if values.shape[1] != width]
    if set(given) != set(there) or odd:
        raise MismatchError(
            f"The adapter has tables {', '.join(sorted(given))}; the model has "
            f"{', '.join(sorted(there))}, {width} wide.",
            "Use the adapter with the base model that it was trained on.",
        )
    if len(there) > len(tables(network)) and not _equal(*adapter.tables.values()):
        raise MismatchError(
            "The adapter has an embedding and another output layer; in the model both are one.",
            "Use the adapter with the base model that it was trained on.",
        )
    lengths = [len(table) for table in adapter.tables.values()]
    grow(network, max([*lengths, *(i + 1 for i in adapter.token_ids)]), known)
    for name, table in adapter.tables.items():
        there[name].weight[: len(table)] = table
    for name, rows in adapter.rows.items():
        there[name].weight[list(adapter.token_ids)] = rows


def _equal(one: Tensor, other: Tensor) -> bool:
    return one is other or torch.equal(one, other)
