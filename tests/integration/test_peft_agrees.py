"""Adapters cross over to PEFT and back with the same logits."""

import json
from dataclasses import replace

import pytest
import torch
from bitsandbytes import functional
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from tunery.config.load import load_run
from tunery.data.conversation import Message
from tunery.models.adapters import Adapter, load_adapter
from tunery.models.load import open_model
from tunery.pipelines import finetune
from tunery.pipelines.listener import Listener
from tunery.prefix import attention
from tunery.prefix.attach import wear
from tunery.serve.engine import Sampling
from tunery.testing.tiny_models import save_tiny_model, tiny_tokenizer
from tunery.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
IDS = torch.arange(2, 40)[None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def tune(tmp_path, folder):
    """Runs a fine-tune with a `method` section; returns its result."""

    def run(folder=folder, says="", epochs=2, **method):
        turns = [("user", "{0} {1}"), ("assistant", "{2}")]
        rows = [
            {
                "messages": [
                    {"role": r, "content": says + t.format(n % 2, n, "ab"[n % 2])} for r, t in turns
                ]
            }
            for n in range(16)
        ]
        (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        config = {
            "name": "tiny",
            "model": str(folder),
            "method": method,
            "data": {"train": "train.jsonl"},
            "train": {"epochs": epochs, "batch_size": 8, "learning_rate": 0.02},
        }
        (tmp_path / "config.yaml").write_text(json.dumps(config))
        loaded = load_run(tmp_path / "config.yaml")
        return finetune.run(
            loaded, tmp_path / "home", offline=True, resume=False, listener=Listener()
        )

    return run


def logits_here(folder, adapter, ids=IDS):
    attention.register()
    network = open_model("tiny", folder, attention=attention.NAME).network
    wear(network, adapter if isinstance(adapter, Adapter) else load_adapter(adapter))
    network.set_attn_implementation("eager")
    with torch.no_grad():
        return network(ids).logits


def logits_base(folder):
    with torch.no_grad():
        return AutoModelForCausalLM.from_pretrained(folder)(IDS).logits


@pytest.mark.parametrize(
    "method",
    [
        {"rslora": True, "rank": 4},
        {"dora": True, "rank": 4},
        {"dora": True, "rslora": True, "rank": 4, "blocks": ["0-0"]},
        {"targets": ["*.layers.1.mlp.*", "*.0.self_attn.[qv]_proj"], "rank": 4},
        {"last_blocks": 14, "targets": ["q_proj"]},
    ],
)
def test_peft_computes_what_we_do(tune, folder, method):
    result = tune(**method)
    adapter = result.tuned.folder
    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder), adapter)
    with torch.no_grad():
        theirs = plain(IDS).logits
    assert (theirs - logits_base(folder)).abs().max() > 0.01
    for ours in (adapter, result.trained.adapter):  # as it is on disk, and as it was trained
        torch.testing.assert_close(logits_here(folder, ours), theirs, rtol=1e-4, atol=1e-4)


FUSED = {
    "phi3": {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"},
    "gpt_neox": {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"},
}


@pytest.mark.parametrize("kind", FUSED)
def test_peft_computes_what_we_do_where_projections_are_one_layer(tune, tmp_path, kind):
    torch.manual_seed(0)
    shape = AutoConfig.for_model(
        kind,
        vocab_size=258,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2 if kind == "phi3" else 4,
        max_position_embeddings=512,
        initializer_range=0.2,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=1,
    )
    folder = tmp_path / "base"
    AutoModelForCausalLM.from_config(shape).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    result = tune(folder, rank=4)
    adapter = result.tuned.folder
    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder), adapter)
    assert set(plain.peft_config["default"].target_modules) == FUSED[kind]
    assert len(load_adapter(adapter).factors) == 2 * 4
    with torch.no_grad():
        theirs = plain(IDS).logits
    assert (theirs - logits_base(folder)).abs().max() > 0.01
    for ours in (adapter, result.trained.adapter):  # as it is on disk, and as it was trained
        torch.testing.assert_close(logits_here(folder, ours), theirs, rtol=1e-4, atol=1e-4)


def rounded(weight, kind):
    """What a weight in few bits stands for, by bitsandbytes."""
    if kind == "nf4":
        bits, scales = functional.quantize_4bit(weight, blocksize=64, quant_type="nf4")
        return functional.dequantize_4bit(bits, scales)
    bits, scales, _ = functional.int8_vectorwise_quant(weight)
    return functional.int8_vectorwise_dequant(bits, scales)


@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_peft_computes_what_we_do_over_the_weights_that_few_bits_stand_for(tune, tmp_path, kind):
    folder = save_tiny_model(tmp_path / "base", hidden_size=64, intermediate_size=128)
    result = tune(folder, rank=4, quantize=kind)
    adapter = result.tuned.folder
    base = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        unrounded = PeftModel.from_pretrained(base, adapter)(IDS).logits
    base = AutoModelForCausalLM.from_pretrained(folder)
    for name in load_adapter(adapter).factors:
        layer = base.get_submodule(name)
        layer.weight.data = rounded(layer.weight.data, kind)
    with torch.no_grad():
        theirs = PeftModel.from_pretrained(base, adapter)(IDS).logits
    for ours in (adapter, result.trained.adapter):  # as it is on disk, and as it was trained
        torch.testing.assert_close(logits_here(folder, ours), theirs, rtol=1e-4, atol=1e-4)
    assert (theirs - unrounded).abs().max() > 0.01


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(
    "method",
    [
        {"new_tokens": ["<tool>", "<end>"]},
        {"train_embeddings": True},
        {"new_tokens": ["<tool>"], "train_embeddings": True, "last_blocks": 1},
    ],
)
def test_peft_takes_a_trained_embedding(tune, tmp_path, tied, method):
    folder = save_tiny_model(tmp_path / "base", tie_word_embeddings=tied)
    result = tune(folder, says="<tool>", rank=4, **method)
    adapter, new = result.tuned.folder, method.get("new_tokens", [])
    tokenizer = AutoTokenizer.from_pretrained(adapter if new else folder)
    assert tokenizer.convert_tokens_to_ids(new) == list(range(258, 258 + len(new)))
    base = AutoModelForCausalLM.from_pretrained(folder)
    if new:
        base.resize_token_embeddings(len(tokenizer))
    ids = torch.cat([IDS, torch.arange(250, 258 + len(new))[None]], dim=1)
    with torch.no_grad():
        theirs = PeftModel.from_pretrained(base, adapter)(ids).logits
    torch.testing.assert_close(logits_here(folder, adapter, ids), theirs, rtol=1e-4, atol=1e-4)
    adapter_alone = replace(load_adapter(adapter), tables={}, rows={}, token_ids=())
    if not new:  # without its embedding the adapter computes something else
        alone = logits_here(folder, adapter_alone, ids)
        assert (alone - theirs).abs().max() > 0.01
    assert result.trained.plan.trunk_bytes == 0


def test_a_model_with_new_tokens_is_served_with_them_and_its_base_without(tune, tmp_path):
    folder = save_tiny_model(tmp_path / "base")
    result = tune(folder, says="<tool>", new_tokens=["<tool>"], rank=4, epochs=20)
    settings = type("Settings", (), {"home": tmp_path / "home", "offline": True})()
    engine = Workspace(settings).open_engine(["tiny"], lambda _: None)
    prompt = [Message("user", "<tool>1 3")]
    tuned, base = (
        engine.generate(name, [prompt], Sampling(max_tokens=8))[0] for name in ("tiny", str(folder))
    )
    assert base.prompt_tokens - tuned.prompt_tokens == len("<tool>") - 1
    assert "<tool>" in tuned.text
    assert "<tool>" not in base.text
    assert result.trained.adapter.token_ids == (258,)


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize("rslora", [False, True])
def test_we_compute_what_peft_wrote(tmp_path, folder, dora, rslora):
    config = LoraConfig(
        r=4, lora_alpha=6, target_modules=["q_proj", "down_proj"], use_dora=dora, use_rslora=rslora
    )
    torch.manual_seed(0)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.2)
        if "magnitude" in name:
            parameter.data.mul_(1.5)
    with torch.no_grad():
        theirs = model(IDS).logits
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(logits_here(folder, tmp_path), theirs, rtol=1e-4, atol=1e-4)
    assert (theirs - logits_base(folder)).abs().max() > 0.01
