from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def rows(tmp_path: Path) -> Callable[..., Path]:
    """Writes a chat file with a row for each text."""

    def write(*texts: str, name: str = "rows.jsonl") -> Path:
        file = tmp_path / name
        lines = [
            json.dumps(
                {
                    "messages": [
                        {"role": "user", "content": text},
                        {"role": "assistant", "content": "yes"},
                    ]
                }
            )
            for text in texts
        ]
        file.write_text("".join(line + "\n" for line in lines))
        return file

    return write
