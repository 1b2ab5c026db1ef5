import json

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from tunery.errors import FetchError
from tunery.models import gguf
from tunery.models.folder import check_model
from tunery.models.gguf import convert_gguf

SHAPE = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 128,
}
Q8_0 = GGMLQuantizationType.Q8_0
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
IDS = torch.tensor([[5, 60, 200, 7, 99, 258, 3, 41]])


def make_network(kind="llama", *, tied=True, bias=False):
    """A small model with random weights and a vocabulary of bytes."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        kind,
        **SHAPE,
        vocab_size=256 + len(SPECIAL) + 2,
        tie_word_embeddings=tied,
        attention_bias=bias,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0},
    )
    network = AutoModelForCausalLM.from_config(config).eval()
    for parameter in network.parameters():
        parameter.data = torch.randn_like(parameter) * 0.1
    return network


NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(name):
    stem, suffix = name.rsplit(".", 1)
    if stem in NAMES:
        return f"{NAMES[stem]}.{suffix}"
    _, _, number, rest = stem.split(".", 3)
    return f"blk.{number}.{NAMES[rest]}.{suffix}"


def pairs_together(weights, heads):
    """llama.cpp's order of the rows of a head: the two members of a rotated pair side by side."""
    halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
    return halves.swapaxes(1, 2).reshape(weights.shape)


def write_gguf(
    file,
    network,
    *,
    quantized=None,
    split="smollm",
    tokenizer="gpt2",
    leave_out=(),
    more=(),
    **metadata,
):
    """A network as a GGUF file, as llama.cpp's converter writes it."""
    kind = network.config.model_type
    writer = GGUFWriter(str(file), kind)
    writer.add_context_length(128)
    writer.add_block_count(SHAPE["num_hidden_layers"])
    writer.add_embedding_length(SHAPE["hidden_size"])
    writer.add_feed_forward_length(SHAPE["intermediate_size"])
    if "heads" not in leave_out:
        writer.add_head_count(SHAPE["num_attention_heads"])
    writer.add_head_count_kv(SHAPE["num_key_value_heads"])
    writer.add_key_length(SHAPE["head_dim"])
    writer.add_layer_norm_rms_eps(network.config.rms_norm_eps)
    writer.add_rope_freq_base(5000.0)
    letters = bytes_to_unicode()
    tokens = [*SPECIAL, *(letters[byte] for byte in range(256)), "ĊĊ", "ab"]
    writer.add_tokenizer_model(tokenizer)
    writer.add_tokenizer_pre(split)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges(["Ċ Ċ", "a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    for key, value in metadata.items():
        writer.add_string(f"{kind}.{key.replace('__', '.')}", value)
    tied = network.config.tie_word_embeddings
    for name, tensor in network.state_dict().items():
        if (tied and name == "lm_head.weight") or name in leave_out:
            continue
        weights = tensor.numpy()
        if kind == "llama" and (".q_proj." in name or ".k_proj." in name):
            query = ".q_proj." in name
            heads = SHAPE["num_attention_heads" if query else "num_key_value_heads"]
            weights = pairs_together(weights, heads)
        if quantized is not None and weights.ndim == 2:
            writer.add_tensor(gguf_name(name), quantize(weights, quantized), raw_dtype=quantized)
        else:
            writer.add_tensor(gguf_name(name), np.ascontiguousarray(weights))
    for name in more:
        writer.add_tensor(name, np.zeros(4, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def logits(folder_or_network):
    network = folder_or_network
    if not isinstance(network, torch.nn.Module):
        network = AutoModelForCausalLM.from_pretrained(network, local_files_only=True)
    with torch.no_grad():
        return network(IDS).logits


@pytest.mark.parametrize(
    ("kind", "tied", "bias"),
    [("llama", True, False), ("llama", False, True), ("qwen2", True, True), ("qwen3", True, False)],
)
def test_converted_model_computes_the_same(tmp_path, out, kind, tied, bias):
    network = make_network(kind, tied=tied, bias=bias)
    convert_gguf(write_gguf(tmp_path / "m.gguf", network), out)
    check_model(out)
    assert torch.equal(logits(out), logits(network))
    config = json.loads((out / "config.json").read_text())
    assert config["architectures"] == [type(network).__name__]
    assert config["tie_word_embeddings"] is tied
    assert config["dtype"] == "float32"
    assert (config["bos_token_id"], config["eos_token_id"], config["pad_token_id"]) == (1, 2, 2)
    assert config["max_position_embeddings"] == 128
    assert config["rope_parameters"]["rope_theta"] == 5000.0
    assert config["rms_norm_eps"] == network.config.rms_norm_eps
    assert ("lm_head.weight" in load_file(out / "model.safetensors")) is not tied
    generation = json.loads((out / "generation_config.json").read_text())
    assert generation["eos_token_id"] == 2


def test_quantized_weights_are_unpacked(tmp_path, out):
    network = make_network()
    convert_gguf(write_gguf(tmp_path / "m.gguf", network, quantized=Q8_0), out)
    weights = load_file(out / "model.safetensors")
    for name, tensor in network.state_dict().items():
        if name == "lm_head.weight":
            continue
        assert weights[name].dtype == torch.float32
        # Q8_0 rounds to 127 steps of the largest of 32 neighbours
        assert (weights[name] - tensor).abs().max() <= tensor.abs().max() / 127
    assert (logits(out) - logits(network)).abs().max() < 0.1


def test_half_precision_is_widened(tmp_path, out):
    network = make_network()
    half = GGMLQuantizationType.F16
    convert_gguf(write_gguf(tmp_path / "m.gguf", network, quantized=half), out)
    weights = load_file(out / "model.safetensors")["model.layers.0.mlp.up_proj.weight"]
    original = network.state_dict()["model.layers.0.mlp.up_proj.weight"]
    assert torch.equal(weights, original.half().float())


def test_tokenizer_keeps_its_tokens_and_template(tmp_path, out):
    convert_gguf(write_gguf(tmp_path / "m.gguf", make_network()), out)
    tokenizer = AutoTokenizer.from_pretrained(out, local_files_only=True)
    assert tokenizer.chat_template == TEMPLATE
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert tokenizer.pad_token_id == 2
    assert tokenizer.model_max_length == 128
    text = tokenizer.apply_chat_template([{"role": "user", "content": "ab é 7"}], tokenize=False)
    ids = tokenizer(text).input_ids
    assert ids[0] == 1
    assert ids.count(2) == 1
    assert tokenizer.decode(ids) == text
    assert tokenizer.tokenize("abc") == ["ab", "c"]


@pytest.mark.parametrize(
    ("split", "tokens"), [("smollm", ["ĊĊ", "1", "2"]), ("gpt-2", ["Ċ", "Ċ", "1", "2"])]
)
def test_text_is_split_the_way_the_model_learned(tmp_path, out, split, tokens):
    convert_gguf(write_gguf(tmp_path / "m.gguf", make_network(), split=split), out)
    tokenizer = AutoTokenizer.from_pretrained(out, local_files_only=True)
    assert tokenizer.tokenize("\n\n12") == tokens


def test_large_models_are_written_in_pieces(tmp_path, out, monkeypatch):
    monkeypatch.setattr(gguf, "SHARD_BYTES", 100_000)
    network = make_network(tied=False)
    convert_gguf(write_gguf(tmp_path / "m.gguf", network), out)
    pieces = sorted(out.glob("model-*.safetensors"))
    assert len(pieces) > 2
    assert pieces[0].name == f"model-00001-of-{len(pieces):05}.safetensors"
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"]) == set(network.state_dict())
    assert index["metadata"]["total_size"] == sum(
        4 * tensor.numel() for tensor in network.state_dict().values()
    )
    check_model(out)
    assert torch.equal(logits(out), logits(network))


def refused(file, out):
    with pytest.raises(FetchError) as caught:
        convert_gguf(file, out)
    assert list(out.iterdir()) == []
    return caught.value.message


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" * 40, b"GGUF\x03\x00\x00\x00", b"GGUF" * 9])
def test_what_is_no_gguf_file_is_refused(tmp_path, out, content):
    file = tmp_path / "m.gguf"
    file.write_bytes(content)
    assert "m.gguf cannot be read as a GGUF file" in refused(file, out)


def test_file_that_is_cut_short_is_refused(tmp_path, out):
    file = write_gguf(tmp_path / "m.gguf", make_network())
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[: size // 2])
    assert f"has {size // 2} bytes, but its weights need" in refused(file, out)


def test_missing_weight_is_refused(tmp_path, out):
    name = "model.layers.1.mlp.up_proj.weight"
    file = write_gguf(tmp_path / "m.gguf", make_network(), leave_out=[name])
    message = refused(file, out)
    assert f"{name} is absent, expected (96, 64)" in message


def test_weight_without_a_place_is_refused(tmp_path, out):
    file = write_gguf(tmp_path / "m.gguf", make_network(), more=["blk.0.surprise.weight"])
    assert "blk.0.surprise.weight, which has no place in the model" in refused(file, out)


def test_scaled_positions_are_refused_rather_than_lost(tmp_path, out):
    file = write_gguf(tmp_path / "m.gguf", make_network(), more=["rope_freqs.weight"])
    assert "scales its rotary positions" in refused(file, out)
    file = write_gguf(tmp_path / "n.gguf", make_network(), rope__scaling__type="linear")
    assert "scales its rotary positions" in refused(file, out)


def test_unknown_way_of_splitting_text_is_refused(tmp_path, out):
    file = write_gguf(tmp_path / "m.gguf", make_network(), split="new-thing")
    assert "splits text in a way named 'new-thing', which is not known" in refused(file, out)


def test_unknown_kind_of_tokenizer_is_refused(tmp_path, out):
    file = write_gguf(tmp_path / "m.gguf", make_network(), tokenizer="rwkv")
    assert "The tokenizer of m.gguf cannot be converted" in refused(file, out)


def test_missing_number_of_the_architecture_is_told(tmp_path, out):
    file = write_gguf(tmp_path / "m.gguf", make_network(), leave_out=["heads"])
    assert refused(file, out) == "m.gguf lacks 'llama.attention.head_count' in its metadata."


def test_folder_that_cannot_be_written_is_told(tmp_path):
    file = write_gguf(tmp_path / "m.gguf", make_network())
    with pytest.raises(FetchError, match=r"model\.safetensors cannot be written"):
        convert_gguf(file, tmp_path / "gone")


def test_other_architecture_is_refused(tmp_path, out):
    network = make_network()
    network.config.model_type = "mamba"
    file = write_gguf(tmp_path / "m.gguf", network)
    assert "a model of architecture 'mamba'; converted are llama" in refused(file, out)


def test_names_of_tensors_are_llama_cpp_names():
    assert gguf_name("model.layers.1.mlp.up_proj.weight") == "blk.1.ffn_up.weight"
