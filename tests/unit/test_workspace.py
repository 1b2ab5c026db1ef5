import pytest
import torch

from tunery.config.settings import Settings
from tunery.errors import NotFoundError, UserError
from tunery.models.adapters import Adapter, save_adapter
from tunery.models.registry import publish
from tunery.serve.engine import Sampling
from tunery.testing.tiny_models import save_tiny_model
from tunery.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(Settings(home=tmp_path / "home", offline=True))


@pytest.fixture
def tune(workspace, tmp_path):
    def make(name, base):
        run = tmp_path / name
        factors = {"model.layers.0.self_attn.q_proj": (torch.ones(2, 32), torch.ones(32, 2))}
        save_adapter(Adapter(base, 2, 4.0, ("q_proj",), factors), run / "adapter")
        return publish(workspace.home, name, base, run, None)

    return make


def test_an_engine_serves_a_base_with_all_its_tuned_models(workspace, tune, tmp_path):
    base = str(save_tiny_model(tmp_path / "model"))
    tune("one", base)
    tune("two", base)
    tune("other", "qwen3-0.6b")
    engine = workspace.open_engine(["one"], print)
    assert [model.name for model in engine.models()] == [base, "one", "two"]
    assert [model.base for model in engine.models()] == [base] * 3
    assert engine.generate("one", [], Sampling()) == []


def test_without_a_name_the_newest_tuned_model_chooses_the_base(workspace, tune, tmp_path):
    base = str(save_tiny_model(tmp_path / "model"))
    tune("one", base)
    assert "one" in [model.name for model in workspace.open_engine([], print).models()]


def test_nothing_tuned_and_nothing_named_says_what_to_do(workspace):
    with pytest.raises(NotFoundError, match="tunery quickstart"):
        workspace.open_engine([], print)


def test_models_of_two_bases_are_refused(workspace, tune):
    tune("one", "smollm2-135m-instruct")
    tune("two", "qwen3-0.6b")
    with pytest.raises(UserError, match="one process serves one base"):
        workspace.open_engine(["one", "two"], print)


def test_catalog_names_are_one_name_in_any_case(workspace, tune):
    tune("one", "SmolLM2-135M-Instruct")
    assert workspace.base_of("one") == "smollm2-135m-instruct"
    assert workspace.base_of("SMOLLM2-135m-instruct") == "smollm2-135m-instruct"
    assert workspace.base_of("./folder") == "./folder"


def test_runs_and_tuned_models_are_found(workspace, tune):
    made = tune("one", "qwen3-0.6b")
    assert workspace.find_tuned("one") == made
    assert workspace.tuned() == [made]
    assert workspace.run_folder("one") == workspace.home / "runs" / "one"
