import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from tunery.errors import UserError
from tunery.models.load import context_of, end_ids, open_model, set_threads
from tunery.testing.tiny_models import save_tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model"))


def test_a_loaded_model_is_frozen_and_knows_its_size(folder):
    model = open_model("tiny", folder, attention="eager")
    assert not any(p.requires_grad for p in model.network.parameters())
    assert (model.name, model.context) == ("tiny", 512)
    assert model.parameters == sum(p.numel() for p in model.network.parameters())
    assert model.template.end_ids == (1,)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"config.json and \*.safetensors are needed"):
        open_model("x", tmp_path, attention="eager")


def test_a_damaged_folder_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be loaded as a model"):
        open_model("x", tmp_path, attention="eager")


def test_weights_that_are_missing_are_never_made_up(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    tensors = load_file(copy / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lacks 1 weights of its model, such as model.norm.weight"):
        open_model("x", copy, attention="eager")


def test_a_family_without_a_proof_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "stablelm"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"'stablelm'; gradients are proven for .* --unproven"):
        open_model("x", tmp_path, attention="eager")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("mixtral", "mixture of experts"),
        ("llama4", "mixture of experts"),
        ("rwkv", "carry a state"),
        ("gemma3", "text and images; its text part is not loaded here"),
    ],
)
def test_a_family_that_no_forest_can_compute_is_refused_even_so(tmp_path, kind, reason):
    (tmp_path / "config.json").write_text(AutoConfig.for_model(kind).to_json_string())
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=f"of type '{kind}', which cannot be .*{reason}"):
        open_model("x", tmp_path, attention="eager", unproven=True)


def test_every_end_token_is_known_the_template_s_first(tmp_path):
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [7, 2]}))
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": 9}))
    assert end_ids(tmp_path, SimpleNamespace(eos_token_id=2)) == [2, 7, 9]
    assert end_ids(tmp_path, SimpleNamespace(eos_token_id=None)) == [7, 2, 9]


def test_a_sliding_window_does_not_bound_the_context_but_longrope_does():
    def config(**values):
        return SimpleNamespace(max_position_embeddings=100, **values)

    assert context_of(config()) == 100
    assert context_of(config(sliding_window=30)) == 100
    long = {"rope_type": "longrope", "original_max_position_embeddings": 40}
    assert context_of(config(rope_parameters=long)) == 40
    assert context_of(config(rope_parameters={"rope_type": "default"})) == 100


def test_threads_can_be_set():
    before = torch.get_num_threads()
    assert set_threads(1) == 1
    assert torch.get_num_threads() == 1
    assert set_threads(None) >= 1
    torch.set_num_threads(before)
