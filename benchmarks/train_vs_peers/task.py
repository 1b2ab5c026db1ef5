"""What all sides train, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Task:
    """One training, the same for all sides.

    Attributes:
        model: Catalog name, folder or Hugging Face id, as the user gave it.
        model_folder: Holds the model's config.json, tokenizer and safetensors.
        rows_file: Chat JSONL that ends each row with the assistant turn to learn.
        adapter: Folder of the adapter that the training starts with.
        rows: Rows in that file.
        batch: Rows in one optimizer step.
        micro_batch: Rows that TRL computes at once.
        threads: CPU threads.
        pack_tokens: Longest pack of LLaMA-Factory, in tokens; None if it is not measured.
        pack_rows: Rows that fill such a pack, about.
        learning_rate: Constant over all steps.
        rank: Of the LoRA matrices, on every linear layer of a block.
        alpha: LoRA scale is alpha / rank.
    """

    model: str
    model_folder: Path
    rows_file: Path
    adapter: Path
    rows: int
    batch: int
    micro_batch: int
    threads: int
    pack_tokens: int | None = None
    pack_rows: int = 1
    learning_rate: float = 1e-3
    rank: int = 16
    alpha: int = 32


def process_environment(environ: Mapping[str, str], threads: int) -> dict[str, str]:
    """The environment of a measured process: off the network, with this many threads.

    Args:
        environ: The environment of this process; its own thread limits would favour the side that
            does not set them itself.
        threads: CPU threads.
    """
    count = str(threads)
    fixed = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}
    return {**environ, **fixed, "HF_HUB_OFFLINE": "1", "TUNERY_OFFLINE": "1"}
