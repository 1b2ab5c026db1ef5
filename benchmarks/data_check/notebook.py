"""The loop of OpenAI's data-preparation notebook, with the same tokenizer as the other sides.

Written from its description: all lines are parsed into memory, the format of each message is
checked, then each message's tokens are counted by a call of `encode`, and turns and lengths are
summed up. `work_s` runs from the first line read to the last figure.

    python -m benchmarks.data_check.notebook FILE TOKENIZER_JSON
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from typing import Any

import numpy as np
from tokenizers import Tokenizer

TOKENS_PER_MESSAGE = 3
TOKENS_PER_NAME = 1
ROLES = ("system", "user", "assistant", "function")
KEYS = ("role", "content", "name", "function_call", "weight")


def main(path: str, tokenizer_json: str) -> None:
    """Checks, counts and prints."""
    tokenizer = Tokenizer.from_file(tokenizer_json)
    start = time.perf_counter()
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    errors = format_errors(rows)
    counted = [count(row["messages"], tokenizer) for row in rows]
    turns = [len(row["messages"]) for row in rows]
    figures = {
        "work_s": time.perf_counter() - start,
        "errors": sum(errors.values()),
        "turns": spread(turns),
        "tokens": spread([whole for whole, _ in counted]),
        "answers": spread([answer for _, answer in counted]),
    }
    figures["work_s"] = time.perf_counter() - start
    print(json.dumps(figures))


def format_errors(rows: list[Any]) -> dict[str, int]:
    """How often each fault of the format occurs."""
    errors: dict[str, int] = defaultdict(int)
    for row in rows:
        if not isinstance(row, dict):
            errors["data_type"] += 1
            continue
        messages = row.get("messages")
        if not messages:
            errors["missing_messages_list"] += 1
            continue
        for message in messages:
            errors["missing_key"] += "role" not in message or "content" not in message
            errors["unrecognized_key"] += any(key not in KEYS for key in message)
            errors["unrecognized_role"] += message.get("role") not in ROLES
            content = message.get("content")
            missing = (not content and not message.get("function_call")) or not isinstance(
                content, str
            )
            errors["missing_content"] += missing
        errors["no_assistant"] += all(message.get("role") != "assistant" for message in messages)
    return errors


def count(messages: list[dict[str, str]], tokenizer: Tokenizer) -> tuple[int, int]:
    """Tokens of a row and of its answers, by one call of `encode` for each text."""
    whole, answers = 3, 0
    for message in messages:
        whole += TOKENS_PER_MESSAGE
        for key, value in message.items():
            whole += len(tokenizer.encode(value, add_special_tokens=False))
            whole += TOKENS_PER_NAME if key == "name" else 0
        if message["role"] == "assistant":
            answers += len(tokenizer.encode(message["content"], add_special_tokens=False))
    return whole, answers


def spread(values: list[int]) -> dict[str, float]:
    """The figures that the notebook prints of a list, with the 5 % and 95 % that it names."""
    return {
        "min": min(values),
        "max": max(values),
        "mean": float(np.mean(values)),
        "median": float(np.median(values)),
        "p5": float(np.quantile(values, 0.05)),
        "p95": float(np.quantile(values, 0.95)),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
