"""The tokenizer alone: `encode_batch` over the texts of a file that differ, in batches of 1,000.

Prints one JSON object; `work_s` is the time inside `encode_batch`.

    python -m benchmarks.data_check.bare FILE TOKENIZER_JSON
"""

from __future__ import annotations

import json
import sys
import time

from tokenizers import Tokenizer

BATCH = 1000


def main(path: str, tokenizer_json: str) -> None:
    """Encodes and prints."""
    tokenizer = Tokenizer.from_file(tokenizer_json)
    seen: set[int] = set()
    waiting: list[str] = []
    work_s = 0.0
    tokens = characters = 0

    def encode() -> None:
        nonlocal work_s, tokens, characters
        start = time.perf_counter()
        encoded = tokenizer.encode_batch(waiting, add_special_tokens=False)
        work_s += time.perf_counter() - start
        tokens += sum(map(len, encoded))
        characters += sum(map(len, waiting))
        waiting.clear()

    with open(path, encoding="utf-8") as lines:
        for line in lines:
            for message in json.loads(line)["messages"]:
                if (key := hash(message["content"])) not in seen:
                    seen.add(key)
                    waiting.append(message["content"])
            if len(waiting) >= BATCH:
                encode()
    encode()
    print(json.dumps({"work_s": work_s, "tokens": tokens, "distinct_characters": characters}))


if __name__ == "__main__":
    main(*sys.argv[1:])
