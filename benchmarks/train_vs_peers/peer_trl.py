"""TRL's SFTTrainer on a CPU: the script that the peer's process runs.

    python -I peer_trl.py ROWS.jsonl --model FOLDER --adapter FOLDER --batch 16 --micro-batch 8

Needs what requirements-trl.txt lists, and nothing of this repository. Its settings are those with
which TRL is fastest on a CPU: float32, since bfloat16 is slow without units for it, no gradient
checkpointing, no logging, no checkpoints. Rows stay in the file's order and the adapter starts with
given values, so that the loss of each step can be laid beside that of another trainer. A batch that
does not fit in memory is accumulated from micro-batches. The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, set_peft_model_state_dict
from safetensors.torch import load_file
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers")


class StepClock(TrainerCallback):
    """Notes when training begins, when each of its steps ends, and the step's loss."""

    def __init__(self) -> None:
        self.begin_s = 0.0
        self.ends_s: list[float] = []
        self.losses: list[float] = []
        self.parts: list[float] = []

    def on_train_begin(self, *_args: Any, **_more: Any) -> None:
        """Called before the first step."""
        self.begin_s = time.perf_counter()

    def on_step_end(self, *_args: Any, **_more: Any) -> None:
        """Called after each optimizer step.

        The trainer divides the loss of a micro-batch by the tokens of the whole step, so parts
        are summed.
        """
        self.ends_s.append(time.perf_counter())
        self.losses.append(sum(self.parts))
        self.parts.clear()


class OrderedTrainer(SFTTrainer):
    """Keeps the rows in order, and tells its clock each loss in full precision."""

    def __init__(self, clock: StepClock, **options: Any) -> None:
        self.clock = clock
        super().__init__(callbacks=[clock], **options)

    def _get_train_sampler(self, *_args: Any, **_more: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)

    def training_step(self, *args: Any, **more: Any) -> torch.Tensor:
        """One micro-batch."""
        loss = super().training_step(*args, **more)
        self.clock.parts.append(float(loss))
        return loss


def read_columns(path: Path, tokenizer: Any) -> list[dict[str, str]]:
    """Prompt and completion of each row, as the model's own chat template writes them.

    The completion ends with the token that ends a turn. Templates write a line break behind it,
    which a served model never comes to; trained, it would lower the loss shown.
    """
    # a tokenizer that begins every text with its own token would write the template's one twice
    doubled = tokenizer.bos_token if tokenizer("")["input_ids"] else None
    columns = []
    for line in path.read_text("utf-8").splitlines():
        turns = [
            {"role": turn["role"], "content": turn["content"]}
            for turn in json.loads(line)["messages"]
        ]
        prompt = tokenizer.apply_chat_template(
            turns[:-1], tokenize=False, add_generation_prompt=True
        )
        whole = tokenizer.apply_chat_template(turns, tokenize=False)
        if not whole.startswith(prompt):
            raise SystemExit("The chat template writes a prompt that its answer does not continue.")
        completion = whole[len(prompt) :]
        end = completion.rfind(tokenizer.eos_token)
        if end >= 0:
            completion = completion[: end + len(tokenizer.eos_token)]
        prompt = prompt.removeprefix(doubled or "")
        columns.append({"prompt": prompt, "completion": completion})
    return columns


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", type=Path, help="chat JSONL; the last turn is learned")
    parser.add_argument("--model", type=Path, required=True, help="folder of a checkpoint")
    parser.add_argument("--adapter", type=Path, required=True, help="folder of its first values")
    parser.add_argument("--batch", type=int, default=8, help="rows in an optimizer step")
    parser.add_argument("--micro-batch", type=int, default=8, help="rows computed at once")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def make_trainer(given: argparse.Namespace, clock: StepClock, output: str) -> OrderedTrainer:
    """The trainer, with its model loaded and its rows tokenized."""
    tokenizer = AutoTokenizer.from_pretrained(given.model)
    trainer = OrderedTrainer(
        clock,
        model=AutoModelForCausalLM.from_pretrained(given.model, dtype=torch.float32),
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(read_columns(given.rows, tokenizer)),
        peft_config=LoraConfig(
            r=given.rank,
            lora_alpha=given.alpha,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
        args=SFTConfig(
            output_dir=output,
            num_train_epochs=1,
            per_device_train_batch_size=given.micro_batch,
            gradient_accumulation_steps=given.batch // given.micro_batch,
            learning_rate=given.learning_rate,
            lr_scheduler_type="constant",
            max_length=None,  # no row is cut
            use_cpu=True,
            bf16=False,
            fp16=False,
            gradient_checkpointing=False,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
    )
    values = load_file(given.adapter / "adapter_model.safetensors")
    found = set_peft_model_state_dict(trainer.model, values)
    wanted = sum("lora_" in name for name, _ in trainer.model.named_parameters())
    if found.unexpected_keys or len(values) != wanted:
        raise SystemExit(f"The adapter has {len(values)} tensors, the trainer's {wanted}.")
    return trainer


def main() -> None:
    """Trains, and prints the numbers."""
    given = read_arguments()
    if given.batch % given.micro_batch:
        raise SystemExit(f"A batch of {given.batch} is no multiple of {given.micro_batch} rows.")
    torch.set_num_threads(given.threads)
    clock = StepClock()
    with tempfile.TemporaryDirectory() as output:
        trainer = make_trainer(given, clock, output)
        lengths = [len(ids) for ids in trainer.train_dataset["input_ids"]]
        trainer.train()
    report = {
        "rows": len(lengths),
        "first_rows": min(given.batch, len(lengths)),
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
