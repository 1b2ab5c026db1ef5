import json
from pathlib import Path

import torch
from benchmarks.train_vs_peers.start import main, step_order
from safetensors.torch import load_file

from tunery.models.token_row import TokenRow
from tunery.testing.tiny_models import save_tiny_model


def token_row(*ids: int) -> TokenRow:
    return TokenRow(ids, (0.0,) * (len(ids) - 1) + (1.0,))


def test_grouped_steps_hold_rows_that_begin_alike_and_are_whole() -> None:
    rows = [token_row(index % 3, 10 + index) for index in range(10)]
    order = step_order(rows, 6, 2, "grouped")
    assert len(set(order)) == 6
    # ten rows in three groups: a step of two meets at most one border between groups
    steps = [order[at : at + 2] for at in range(0, 6, 2)]
    alike = sum(rows[a].ids[0] == rows[b].ids[0] for a, b in steps)
    assert alike >= 2
    assert step_order(rows, 6, 2, "file") == [0, 1, 2, 3, 4, 5]


def test_rows_and_an_adapter_that_changes_nothing_yet(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "model")
    usable = tmp_path / "usable.jsonl"
    turns = [[("user", f"q{n % 2}"), ("assistant", f"a{n}")] for n in range(4)]
    rows = [{"messages": [{"role": r, "content": c} for r, c in row]} for row in turns]
    usable.write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = f"{usable} {tmp_path} --model {model} --rows 4 --batch 2 --order grouped"
    assert main([*line.split(), "--rank", "4", "--alpha", "8"]) == 0
    written = [json.loads(text) for text in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert sorted(map(json.dumps, written)) == sorted(map(json.dumps, rows))
    tensors = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert len(tensors) == 2 * 7 * 2  # blocks, linear layers of each, A and B
    for name, tensor in tensors.items():
        assert torch.any(tensor != 0) == ("lora_A" in name)


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path, capsys) -> None:
    line = f"{tmp_path / 'u'} {tmp_path} --model {tmp_path / 'none'} --rows 4 --batch 2"
    assert main([*line.split(), "--order", "file", "--rank", "4", "--alpha", "8"]) == 2
    assert "holds no model" in capsys.readouterr().err
