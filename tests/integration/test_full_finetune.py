"""A run that trains the weights themselves makes a model of its own."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunery.config.load import load_run
from tunery.data.conversation import Message
from tunery.pipelines import finetune
from tunery.pipelines.listener import Listener
from tunery.serve.engine import Sampling
from tunery.serve.engines.opening import open_torch_engine
from tunery.testing.tiny_models import save_tiny_model
from tunery.workspace import Workspace

PROMPT = [Message("user", "1 3")]


def rows(first, last):
    for n in range(first, last):
        turns = [("user", f"{n % 2} {n}"), ("assistant", "ab"[n % 2])]
        yield json.dumps({"messages": [{"role": r, "content": t} for r, t in turns]}) + "\n"


@pytest.fixture
def base(tmp_path):
    return save_tiny_model(tmp_path / "model")


@pytest.fixture
def result(tmp_path, base):
    (tmp_path / "train.jsonl").write_text("".join(rows(0, 20)))
    (tmp_path / "test.jsonl").write_text("".join(rows(20, 28)))
    config = {
        "name": "tiny",
        "model": str(base),
        "method": {"kind": "full"},
        "data": {"train": "train.jsonl", "test": "test.jsonl", "validation": 0.2},
        "train": {"epochs": 6, "batch_size": 8, "learning_rate_multiplier": 50},
        "evaluate": {"max_tokens": 4},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    loaded = load_run(tmp_path / "config.yaml")
    return finetune.run(loaded, tmp_path / "home", offline=True, resume=False, listener=Listener())


def test_it_is_compared_served_and_opened_by_transformers(result, base):
    prompts = [sample.prompt for sample in result.comparison.samples]
    engine = open_torch_engine(str(base), base, [result.tuned])
    for model, side in ((str(base), result.comparison.base), ("tiny", result.comparison.tuned)):
        answers = engine.generate(model, prompts, Sampling(max_tokens=4))
        assert [a.text for a in answers] == [a.text for a in side.answers]
    assert result.comparison.tuned.answers != result.comparison.base.answers
    assert [(m.name, m.base) for m in engine.models()] == [
        (str(base), str(base)),
        ("tiny", str(base)),
    ]

    plain = AutoModelForCausalLM.from_pretrained(result.tuned.folder)
    tokenizer = AutoTokenizer.from_pretrained(result.tuned.folder)
    turns = [{"role": "user", "content": "1 3"}]
    ids = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )["input_ids"]
    assert tuple(ids[0].tolist()) == engine._base.template.prompt_ids(PROMPT)
    network = engine._network("tiny")
    network.set_attn_implementation("eager")
    with torch.no_grad():
        torch.testing.assert_close(plain(ids).logits, network(ids).logits, rtol=1e-4, atol=1e-4)


def test_the_workspace_serves_it_by_its_name(result, tmp_path, base):
    home = type("Settings", (), {"home": tmp_path / "home", "offline": True})()
    engine = Workspace(home).open_engine(["tiny"], lambda _: None)
    answer = engine.generate("tiny", [PROMPT], Sampling(max_tokens=4))[0]
    base_answer = engine.generate(str(base), [PROMPT], Sampling(max_tokens=4))[0]
    again = engine.generate("tiny", [PROMPT], Sampling(max_tokens=4))[0]
    assert answer == again
    assert answer != base_answer


def test_the_plan_counts_every_weight(result):
    summary = json.loads((result.folder / "run.json").read_text())
    plan = summary["plan"]
    network = AutoModelForCausalLM.from_pretrained(result.tuned.folder)
    assert plan["trained_parameters"] == network.num_parameters()
    chosen = {choice["name"]: choice for choice in plan["choices"]}
    assert "checkpoint" in chosen
    assert "method.rank" not in chosen
    assert chosen["train.learning_rate"]["value"] == "0.005"  # 1e-3 / 10 * 50
