import json
from dataclasses import replace

import pytest
import torch

from tunery.errors import MismatchError, NotFoundError, UserError
from tunery.models.adapters import Adapter, load_adapter, save_adapter
from tunery.models.registry import damaged_tuned, find_tuned, list_tuned, publish

LAYER = "model.layers.0.self_attn.q_proj"


def adapter() -> Adapter:
    return Adapter("base", 2, 8.0, ("q_proj",), {LAYER: (torch.randn(2, 4), torch.randn(4, 2))})


def edit(folder, **changes):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_adapter_is_read_as_it_was_written(tmp_path):
    written = adapter()
    save_adapter(written, tmp_path / "a")
    read = load_adapter(tmp_path / "a")
    assert (read.base, read.rank, read.alpha, read.targets) == ("base", 2, 8.0, ("q_proj",))
    assert read.scale == 4.0
    for ours, theirs in zip(written.factors[LAYER], read.factors[LAYER], strict=True):
        assert torch.equal(ours, theirs)


def test_what_is_no_plain_lora_adapter_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="holds no adapter"):
        load_adapter(tmp_path)
    save_adapter(adapter(), tmp_path)
    edit(tmp_path, lora_bias=True)
    with pytest.raises(MismatchError, match="lora_bias = True; expected False"):
        load_adapter(tmp_path)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="is damaged"):
        load_adapter(tmp_path)


def test_rank_stabilised_and_dora_adapters_are_read_as_they_were_written(tmp_path):
    written = replace(adapter(), rslora=True, magnitudes={LAYER: torch.rand(4)})
    save_adapter(written, tmp_path)
    read = load_adapter(tmp_path)
    assert read.scale == pytest.approx(8 / 2**0.5)
    assert torch.equal(read.magnitudes[LAYER], written.magnitudes[LAYER])
    edit(tmp_path, use_dora=False)
    with pytest.raises(UserError, match="lora_magnitude_vector"):
        load_adapter(tmp_path)


@pytest.fixture
def run(tmp_path):
    save_adapter(adapter(), tmp_path / "run" / "adapter")
    return tmp_path / "run"


def test_a_published_model_is_found_by_name(tmp_path, run):
    publish(tmp_path, "mine", "base", run, "Be brief.")
    found = find_tuned(tmp_path, "mine")
    assert (found.base, found.run) == ("base", str(run))
    assert (found.folder / "system.txt").read_text() == "Be brief."
    assert load_adapter(found.folder).rank == 2


def test_publishing_again_replaces(tmp_path, run):
    publish(tmp_path, "mine", "base", run, "Be brief.")
    publish(tmp_path, "mine", "other", run, None)
    assert [model.base for model in list_tuned(tmp_path)] == ["other"]
    assert not (list_tuned(tmp_path)[0].folder / "system.txt").exists()


def test_a_whole_model_is_moved_and_known_as_one(tmp_path, run):
    assert not publish(tmp_path, "mine", "base", run, None).whole
    (run / "model").mkdir()
    (run / "model" / "config.json").write_text("{}")
    publish(tmp_path, "mine", "base", run, None)
    assert find_tuned(tmp_path, "mine").whole
    assert not (run / "model").exists()


def test_a_wrong_name_gets_the_nearest(tmp_path, run):
    publish(tmp_path, "support-triage", "base", run, None)
    with pytest.raises(NotFoundError, match="Did you mean support-triage"):
        find_tuned(tmp_path, "support-triag")
    with pytest.raises(NotFoundError, match="models list"):
        find_tuned(tmp_path, "zzz")


def test_a_damaged_entry_says_which_and_leaves_the_others(tmp_path, run):
    model = publish(tmp_path, "mine", "base", run, None)
    publish(tmp_path, "good", "base", run, None)
    (model.folder / "tunery.json").write_text("{")
    assert [model.name for model in list_tuned(tmp_path)] == ["good"]
    assert "tunery.json is damaged" in str(damaged_tuned(tmp_path)[0])
    with pytest.raises(UserError, match=r"tunery.json is damaged"):
        find_tuned(tmp_path, "mine")


def test_an_entry_that_claims_another_name_is_refused(tmp_path, run):
    publish(tmp_path, "mine", "base", run, None).folder.rename(tmp_path / "tuned" / "x")
    assert list_tuned(tmp_path) == []
    assert "it names 'mine', its folder 'x'" in str(damaged_tuned(tmp_path)[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"r": 0},
        {"r": None},
        {"target_modules": None},
        {"lora_alpha": "x"},
        {"modules_to_save": ["embed_tokens"]},
        {"trainable_token_indices": [3]},
        {"trainable_token_indices": {"embed_tokens": [3], "lm_head": [4]}},
    ],
)
def test_settings_that_make_no_sense_end_in_a_sentence(tmp_path, changes):
    save_adapter(adapter(), tmp_path)
    edit(tmp_path, **changes)
    with pytest.raises(UserError, match="is damaged"):
        load_adapter(tmp_path)


@pytest.mark.parametrize("key", ["rank_pattern", "alpha_pattern"])
def test_what_would_be_dropped_is_refused(tmp_path, key):
    save_adapter(adapter(), tmp_path)
    edit(tmp_path, **{key: {"q_proj": 4}})
    with pytest.raises(MismatchError, match=key):
        load_adapter(tmp_path)
