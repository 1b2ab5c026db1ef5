"""Keys of a method that exclude each other are refused before anything is fetched or moved."""

import pytest

from tunery.config.conflicts import check_conflicts, conflicts
from tunery.config.load import load_run
from tunery.config.method import MethodSection
from tunery.errors import ConfigError, UserError


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ({"kind": "full", "new_tokens": ("<x>",)}, "method.new_tokens is set and method.kind full"),
        ({"kind": "full", "train_embeddings": True}, "method.train_embeddings is set"),
        ({"kind": "full", "quantize": "nf4"}, "method.quantize is nf4 and method.kind full"),
        ({"quantize": "nf4", "train_embeddings": True}, "method.quantize is nf4"),
        ({"dropout": 0.1, "kind": "full"}, "method.dropout is 0.1 and method.kind is full"),
        ({"dropout": 0.1, "dora": True}, "method.dropout is 0.1 and method.dora is true"),
        ({"blocks": (0,), "last_blocks": 1}, r"method.blocks is \[0\] and method.last_blocks 1"),
    ],
)
def test_settings_that_exclude_each_other(method, said):
    with pytest.raises(UserError, match=said) as caught:
        check_conflicts(MethodSection(**method))
    assert caught.value.hint.startswith("Leave ")


@pytest.mark.parametrize(
    "method",
    [
        {},
        {"quantize": "nf4", "new_tokens": ("<x>",)},
        {"dropout": 0.1, "quantize": "int8", "rslora": True},
        {"kind": "full", "last_blocks": 2},
    ],
)
def test_settings_that_go_together(method):
    assert not list(conflicts(MethodSection(**method)))


def test_a_file_is_told_all_of_them_with_their_lines(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "name: a\nmodel: b\ndata: {train: c.jsonl}\n"
        "method:\n  kind: full\n  dropout: 0.1\n  quantize: nf4\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_run(path)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{path}:6: method.dropout is 0.1")
    assert lines[1].startswith(f"{path}:7: method.quantize is nf4")
    assert "Leave one of them out" in lines[0]
