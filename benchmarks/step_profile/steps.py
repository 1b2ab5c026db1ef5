"""One optimizer step of the same rows, computed in two ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from tunery.data.read import read_conversations
from tunery.errors import DataError
from tunery.models.architecture import FAMILIES, MODEL_TYPES
from tunery.models.load import open_model
from tunery.models.token_row import TokenRow
from tunery.pipelines.prepare import render_rows
from tunery.prefix import attention, lora
from tunery.prefix.attach import attach, initialise
from tunery.prefix.fuse import fuse_blocks
from tunery.train.loop import accumulate
from tunery.train.optimizer import PackedAdamW

RANK, SCALE, RATE = 16, 2.0, 1e-4
BUDGET = 4096
"""Unique tokens computed at once."""

IGNORED = -100
"""Label of a token that is not learned."""


def read_rows(data: Path, count: int, folder: Path) -> list[TokenRow]:
    """The first rows of a file, as the model's template renders them.

    Raises:
        DataError: The file has fewer rows that can be trained.
    """
    model = open_model("profiled", folder, attention="sdpa")
    rows, _ = render_rows(read_conversations(data).rows[: 2 * count], model.template, model.context)
    usable = [row for row in rows if row.supervised][:count]
    if len(usable) < count:
        raise DataError(f"{data} has {len(usable)} usable rows at its start, expected {count}.")
    return usable


def forest_step(folder: Path, rows: list[TokenRow]) -> Callable[[], float]:
    """Tunery's step."""
    attention.register()
    network = open_model("profiled", folder, attention=attention.NAME).network
    attach(network, _targets(network), RANK, SCALE)
    initialise(network, 0)
    lora.merge_all(network)
    fuse_blocks(network)
    optimizer = PackedAdamW([p for p in network.parameters() if p.requires_grad], 0.0)

    def step() -> float:
        loss, _ = accumulate(network, rows, "sft", BUDGET)
        optimizer.step(RATE, 1.0)
        lora.merge_all(network)
        return loss

    return step


def plain_step(folder: Path, rows: list[TokenRow]) -> Callable[[], float]:
    """A padded batch, LoRA by PEFT, logits for all tokens, torch's AdamW."""
    network: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    setting = LoraConfig(
        r=RANK, lora_alpha=SCALE * RANK, target_modules=list(_targets(network)), lora_dropout=0.0
    )
    network = get_peft_model(network, setting)
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, RATE, weight_decay=0.0)
    longest = max(len(row.ids) for row in rows)
    ids = torch.tensor([row.ids + (0,) * (longest - len(row.ids)) for row in rows])
    mask = torch.tensor([[1] * len(row.ids) + [0] * (longest - len(row.ids)) for row in rows])
    labels = torch.full_like(ids, IGNORED)
    for index, row in enumerate(rows):
        learned = torch.tensor([weight != 0 for weight in row.weights])
        labels[index, : len(row.ids)][learned] = ids[index, : len(row.ids)][learned]

    def step() -> float:
        loss = network(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())

    return step


def _targets(network: Any) -> tuple[str, ...]:
    return FAMILIES[MODEL_TYPES[network.config.model_type]].lora_targets
