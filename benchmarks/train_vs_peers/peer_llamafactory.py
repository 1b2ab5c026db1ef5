"""LLaMA-Factory on a CPU: the script that the peer's process runs.

    python -I peer_llamafactory.py ROWS.jsonl --model FOLDER --batch 16 --pack-tokens 2880 \
        --pack-rows 4

Needs what requirements-llamafactory.txt lists, and nothing of this repository. It trains with
`neat_packing`: several rows in one sequence, each attending to itself alone, so nothing is padded
but the end of a pack. Packing sorts the rows by length, so the steps hold other rows than those of
other trainers, and their losses cannot be compared. Settings are those with which it is fastest on
a CPU: float32, no gradient checkpointing, no checkpoints. A step accumulates as many packs as hold
`--batch` rows. The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from transformers import TrainerCallback

# It imports torchaudio even where there is no sound, and no build of it fits a CPU torch.
sys.modules["torchaudio"] = ModuleType("torchaudio")
sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)

from llamafactory.train.tuner import run_exp  # noqa: E402

LIBRARIES = ("torch", "transformers", "llamafactory", "peft", "accelerate", "datasets")


class StepClock(TrainerCallback):
    """Notes when training begins, when each of its steps ends, its loss, and what is trained."""

    def __init__(self) -> None:
        self.begin_s = 0.0
        self.ends_s: list[float] = []
        self.losses: list[float] = []
        self.packed: list[list[int]] = []

    def on_train_begin(self, *_args: Any, **more: Any) -> None:
        """Called before the first step, with the packed rows."""
        self.packed = [
            row_lengths(pack["attention_mask"]) for pack in more["train_dataloader"].dataset
        ]
        self.begin_s = time.perf_counter()

    def on_step_end(self, *_args: Any, **_more: Any) -> None:
        """Called after each optimizer step."""
        self.ends_s.append(time.perf_counter())

    def on_log(self, _args: Any, _state: Any, _control: Any, **more: Any) -> None:
        """Called after each step with its loss, and at the end with the whole training's."""
        logs = more.get("logs") or {}
        if "loss" in logs:
            self.losses.append(float(logs["loss"]))


def row_lengths(mask: list[int]) -> list[int]:
    """Lengths of the rows of a pack, whose mask numbers their tokens from 1; 0 is padding."""
    return [mask.count(number) for number in range(1, max(mask) + 1)]


def write_data(rows: Path, folder: Path) -> None:
    """Names the rows in the catalog that LLaMA-Factory reads."""
    (folder / "rows.jsonl").write_text(rows.read_text("utf-8"), "utf-8")
    tags = {"role_tag": "role", "content_tag": "content", "system_tag": "system"}
    tags |= {"user_tag": "user", "assistant_tag": "assistant"}
    entry = {
        "file_name": "rows.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": tags,
    }
    (folder / "dataset_info.json").write_text(json.dumps({"rows": entry}), "utf-8")


def settings(given: argparse.Namespace, data: Path, output: Path) -> dict[str, Any]:
    """What `llamafactory-cli train` would read from a YAML file."""
    return {
        "model_name_or_path": str(given.model),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_target": "all",
        "lora_rank": given.rank,
        "lora_alpha": given.alpha,
        "lora_dropout": 0.0,
        "dataset": "rows",
        "dataset_dir": str(data),
        "template": given.template,
        "mask_history": True,
        "neat_packing": True,
        "cutoff_len": given.pack_tokens,
        "preprocessing_num_workers": 1,
        "disable_shuffling": True,
        "flash_attn": "sdpa",
        "disable_gradient_checkpointing": True,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": max(1, given.batch // given.pack_rows),
        "learning_rate": given.learning_rate,
        "lr_scheduler_type": "constant",
        "num_train_epochs": 1,
        "max_grad_norm": 1.0,
        "use_cpu": True,
        "bf16": False,
        "fp16": False,
        "output_dir": str(output),
        "save_strategy": "no",
        "logging_steps": 1,
        "report_to": "none",
        "disable_tqdm": True,
    }


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", type=Path, help="chat JSONL; the last turn is learned")
    parser.add_argument("--model", type=Path, required=True, help="folder of a checkpoint")
    parser.add_argument("--template", default="smollm2", help="LLaMA-Factory's name of it")
    parser.add_argument("--pack-tokens", type=int, required=True, help="longest pack")
    parser.add_argument("--pack-rows", type=int, required=True, help="rows in it, about")
    parser.add_argument("--batch", type=int, default=8, help="rows in an optimizer step, about")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Trains, and prints the numbers."""
    given = read_arguments()
    torch.set_num_threads(given.threads)
    clock = StepClock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(given.rows, folder)
        run_exp(settings(given, folder, folder / "output"), callbacks=[clock])
    lengths = [length for pack in clock.packed for length in pack]
    first = clock.packed[: max(1, given.batch // given.pack_rows)]
    report = {
        "rows": len(lengths),
        "first_rows": sum(map(len, first)),
        "tokens": sum(lengths),
        "train_s": clock.ends_s[-1] - clock.begin_s,
        "first_s": clock.ends_s[0] - clock.begin_s,
        "loss": clock.losses,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
