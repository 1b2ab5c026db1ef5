import pytest
import torch

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.errors import MismatchError, NotFoundError, UserError
from tunery.models.adapters import Adapter
from tunery.models.load import open_model
from tunery.prefix import attention, lora
from tunery.prefix.cache import BLOCK
from tunery.serve.engine import Sampling
from tunery.serve.engines.torch import TorchEngine
from tunery.testing.tiny_models import save_tiny_model, tiny_llama

GREEDY = Sampling(max_tokens=12)
PROMPTS = [
    [Message("system", "Be brief."), Message("user", text)]
    for text in ("hello", "hello there", "x", "what is the capital of France?")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def base(folder):
    attention.register()
    return open_model("tiny", folder, attention=attention.NAME)


def adapter(seed=5, scale=0.5):
    generator = torch.Generator().manual_seed(seed)
    shapes = {"self_attn.q_proj": (32, 32), "mlp.down_proj": (32, 48)}
    return Adapter(
        base="tiny",
        rank=2,
        alpha=2 * scale,
        targets=("q_proj", "down_proj"),
        factors={
            f"model.layers.{layer}.{name}": (
                torch.randn(2, inputs, generator=generator),
                torch.randn(outputs, 2, generator=generator),
            )
            for layer in range(2)
            for name, (outputs, inputs) in shapes.items()
        },
    )


def plain_answer(network, template, prompt, tokens):
    """What transformers itself writes, greedily."""
    network.set_attn_implementation("eager")
    ids = torch.tensor([template.prompt_ids(prompt)])
    out = network.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False
    )
    return template.text(out[0, ids.shape[1] :].tolist())


def test_batch_answers_equal_those_of_transformers(base):
    engine = TorchEngine(base, {})
    answers = engine.generate("tiny", PROMPTS, GREEDY)
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        assert answer.text == plain_answer(tiny_llama(), base.template, prompt, 12)
        assert answer.prompt_tokens == len(base.template.prompt_ids(prompt))


def test_a_tuned_model_answers_as_merged_weights_do_and_leaves_the_base_alone(base):
    tuned = adapter()
    engine = TorchEngine(base, {"mine": tuned})
    before = engine.generate("tiny", PROMPTS, GREEDY)
    answers = engine.generate("mine", PROMPTS, GREEDY)
    merged = tiny_llama()
    for name, (a, b) in tuned.factors.items():
        merged.get_submodule(name).weight.data += tuned.scale * b @ a
    expected = [plain_answer(merged, base.template, prompt, 12) for prompt in PROMPTS]
    assert [answer.text for answer in answers] == expected
    assert expected != [answer.text for answer in before]
    assert engine.generate("tiny", PROMPTS, GREEDY) == before


def test_streamed_pieces_join_to_the_whole_answer(base):
    engine = TorchEngine(base, {})
    whole = engine.generate("tiny", PROMPTS[:1], GREEDY)[0]
    deltas = list(engine.stream("tiny", PROMPTS[0], GREEDY))
    assert "".join(delta.text for delta in deltas) == whole.text
    assert deltas[-1].completion == whole
    assert all(delta.completion is None for delta in deltas[:-1])


def test_an_abandoned_stream_frees_the_engine(base):
    engine = TorchEngine(base, {})
    stream = engine.stream("tiny", PROMPTS[0], GREEDY)
    next(stream)
    stream.close()
    assert len(engine.generate("tiny", PROMPTS, GREEDY)) == 4


def test_a_seed_repeats_a_sampled_answer(base):
    engine = TorchEngine(base, {})
    sampling = Sampling(max_tokens=20, temperature=1.0, top_p=0.9, seed=7)
    first = engine.generate("tiny", PROMPTS, sampling)
    assert engine.generate("tiny", PROMPTS, sampling) == first
    other = Sampling(max_tokens=20, temperature=1.0, top_p=0.9, seed=8)
    assert engine.generate("tiny", PROMPTS, other) != first


def test_limits_and_the_end_token_name_the_finish_reason(base):
    engine = TorchEngine(base, {})
    cut = engine.generate("tiny", PROMPTS[:1], Sampling(max_tokens=1))[0]
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 1)
    whole = engine.generate("tiny", PROMPTS[:1], Sampling(max_tokens=400, temperature=2, seed=1))[0]
    assert whole.finish_reason == "stop"
    assert whole.completion_tokens < 400


def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(base):
    engine = TorchEngine(base, {})
    whole = engine.generate("tiny", PROMPTS[:1], GREEDY)[0].text
    stop = whole[3:5]
    cut = engine.generate("tiny", PROMPTS[:1], Sampling(max_tokens=12, stop=(stop,)))[0]
    assert cut.text == whole[: whole.find(stop)]
    assert cut.finish_reason == "stop"


def test_what_cannot_be_answered_is_refused(base):
    engine = TorchEngine(base, {"mine": adapter()})
    with pytest.raises(NotFoundError, match="no model 'other' here; there are tiny, mine"):
        engine.generate("other", PROMPTS, GREEDY)
    with pytest.raises(UserError, match="context of tiny holds 512"):
        engine.generate("tiny", [[Message("user", "long " * 200)]], GREEDY)
    assert engine.generate("tiny", [], GREEDY) == []


def test_an_adapter_of_another_model_is_refused(base):
    other = Adapter("else", 2, 2.0, ("q_proj",), {"model.layers.9.q": (torch.zeros(2, 3),) * 2})
    wide = Adapter(
        "else",
        2,
        2.0,
        ("q_proj",),
        {"model.layers.0.self_attn.q_proj": (torch.zeros(2, 64), torch.zeros(64, 2))},
    )
    engine = TorchEngine(base, {"other": other, "wide": wide})
    with pytest.raises(MismatchError, match=r"model\.layers\.9\.q"):
        engine.generate("other", PROMPTS, GREEDY)
    with pytest.raises(MismatchError, match="64 x 64; the model's is 32 x 32"):
        engine.generate("wide", PROMPTS, GREEDY)
    assert not lora.layers(base.network)
    assert [m.name for m in engine.models()] == ["tiny", "other", "wide"]


def test_an_answer_longer_than_the_cache_s_first_places_is_exact(base):
    engine = TorchEngine(base, {})
    long = Sampling(max_tokens=BLOCK + 40)
    answers = engine.generate("tiny", PROMPTS[:2], long)
    assert max(answer.completion_tokens for answer in answers) > BLOCK
    for prompt, answer in zip(PROMPTS, answers, strict=False):
        assert answer.text == plain_answer(tiny_llama(), base.template, prompt, BLOCK + 40)


def test_a_prompt_with_tools_and_its_answer_are_written_as_they_are_trained(base):
    engine = TorchEngine(base, {})
    turn = Message("assistant", "", tool_calls=(ToolCall("f", '{"a":1}'),))
    row = Conversation((Message("user", "U"), turn), tools='[{"function": {"name": "f"}}]')
    text = engine.written("tiny", row)
    assert text == '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
    asked = Conversation(row.prompt, tools=row.tools)
    (answer,) = engine.generate("tiny", [asked], Sampling(max_tokens=1))
    assert answer.prompt_tokens + len(base.template.tokenizer.encode(text)) + 1 == len(
        base.template.row(row).ids
    )
    with pytest.raises(NotFoundError, match="There is no model 'other'"):
        engine.written("other", row)
