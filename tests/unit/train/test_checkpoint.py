import json

import pytest
import torch

from tunery.errors import MismatchError
from tunery.train.checkpoint import Checkpoint, clear, load_newest, load_step, save


def checkpoint(step, **identity):
    return Checkpoint(step, 512, {"values": torch.full((3,), float(step))}, {"seed": 0} | identity)


def load(folder, told=None, **identity):
    return load_newest(folder, {"seed": 0} | identity, told.append if told is not None else print)


def test_the_newest_is_loaded_and_old_ones_go(tmp_path):
    for step in (10, 20, 30):
        save(checkpoint(step), tmp_path, keep=2)
    found = load(tmp_path)
    assert (found.step, found.budget) == (30, 512)
    assert found.tensors["values"].tolist() == [30.0] * 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000020", "step-000030"]


def test_the_best_one_stays_until_another_is_better(tmp_path):
    for step, best in ((10, 10), (20, 10), (30, 10), (40, 40), (50, 40)):
        save(checkpoint(step), tmp_path, keep=1, spare=best)
        kept = sorted(p.name for p in tmp_path.iterdir())
        assert kept == sorted({f"step-{best:06d}", f"step-{step:06d}"})
    told = []
    assert load_step(tmp_path, 40, told.append).tensors["values"].tolist() == [40.0] * 3
    assert load_step(tmp_path, 10, told.append) is None
    assert "step-000010 cannot be read" in told[0]


def test_nothing_there_is_none(tmp_path):
    assert load(tmp_path / "none") is None
    save(checkpoint(1), tmp_path, keep=1)
    clear(tmp_path)
    assert load(tmp_path) is None


@pytest.mark.parametrize("file", ["state.safetensors", "meta.json"])
def test_a_damaged_one_falls_back_and_says_so(tmp_path, file):
    save(checkpoint(10), tmp_path, keep=2)
    damaged = save(checkpoint(20), tmp_path, keep=2) / file
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(bytes(content))
    told = []
    assert load(tmp_path, told).step == 10
    assert len(told) == 1
    assert "step-000020 cannot be read" in told[0]
    assert "moved to damaged-step-000020, and the training goes on after step 10." in told[0]


def damage(folder):
    (folder / "state.safetensors").write_bytes(b"x")


def test_a_damaged_one_is_not_kept_in_place_of_the_next(tmp_path):
    for step in (10, 20):
        damaged = save(checkpoint(step), tmp_path, keep=2)
    damage(damaged)
    assert load(tmp_path, []).step == 10
    save(checkpoint(11), tmp_path, keep=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["damaged-step-000020", "step-000011"]
    assert load(tmp_path).step == 11


def test_where_none_can_be_read_the_first_step_is_named(tmp_path):
    for step in (10, 20):
        damage(save(checkpoint(step), tmp_path, keep=2))
    told = []
    assert load(tmp_path, told) is None
    assert len(told) == 2
    assert all("and the training starts from the first step." in text for text in told)
    assert "trying the one before" not in " ".join(told)
    save(checkpoint(1), tmp_path, keep=1)
    assert load(tmp_path).step == 1


def test_another_training_leaves_a_damaged_one_where_it_is(tmp_path):
    for step in (10, 20):
        damaged = save(checkpoint(step), tmp_path, keep=2)
    damage(damaged)
    with pytest.raises(MismatchError):
        load(tmp_path, learning_rate=0.2)
    assert damaged.is_dir()


def test_the_newest_is_the_one_of_the_highest_step_whatever_its_digits(tmp_path):
    for step in (999_999, 1_000_000):
        save(checkpoint(step), tmp_path, keep=1)
    assert [p.name for p in tmp_path.iterdir()] == ["step-1000000"]
    assert load(tmp_path).step == 1_000_000


def test_an_unfinished_write_is_never_loaded(tmp_path):
    save(checkpoint(10), tmp_path, keep=2)
    draft = tmp_path / ".step-000020.123"
    draft.mkdir()
    (draft / "meta.json").write_text(json.dumps({"step": 20}))
    assert load(tmp_path).step == 10


def test_another_training_is_refused_with_both_values(tmp_path):
    save(checkpoint(10, learning_rate=0.1), tmp_path, keep=1)
    with pytest.raises(MismatchError, match=r"learning_rate: the checkpoint has 0.1, this run 0.2"):
        load(tmp_path, learning_rate=0.2)
