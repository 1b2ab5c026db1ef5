import pytest

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.errors import NotFoundError, UserError
from tunery.serve.engine import Completion, Engine, Sampling
from tunery.testing.scripted_engine import ScriptedEngine

PROMPT = [Message("system", "Be brief."), Message("user", "say it")]


@pytest.fixture
def engine() -> Engine:
    return ScriptedEngine(
        {"small": lambda prompt: "one two six", "tuned": lambda prompt: prompt[-1].content}
    )


def test_first_name_is_the_base_of_all(engine: Engine) -> None:
    assert [(m.name, m.base) for m in engine.models()] == [("small", "small"), ("tuned", "small")]


def test_answers_all_prompts_in_order_and_counts_words(engine: Engine) -> None:
    other = [Message("user", "two words")]
    assert engine.generate("tuned", [PROMPT, other], Sampling()) == [
        Completion("say it", "stop", prompt_tokens=4, completion_tokens=2),
        Completion("two words", "stop", prompt_tokens=2, completion_tokens=2),
    ]


@pytest.mark.parametrize(
    ("sampling", "text", "reason"),
    [
        (Sampling(max_tokens=2), "one two", "length"),
        (Sampling(max_tokens=3), "one two six", "stop"),
        (Sampling(max_tokens=0), "", "length"),
        (Sampling(stop=("six", " two")), "one", "stop"),
        (Sampling(stop=("four", "")), "one two six", "stop"),
    ],
)
def test_limits_cut_the_answer(engine: Engine, sampling: Sampling, text: str, reason: str) -> None:
    (completion,) = engine.generate("small", [PROMPT], sampling)
    assert (completion.text, completion.finish_reason) == (text, reason)


def test_stream_comes_in_pieces_and_ends_with_the_whole(engine: Engine) -> None:
    deltas = list(engine.stream("small", PROMPT, Sampling()))
    assert [delta.text for delta in deltas] == ["one ", "two ", "six", ""]
    assert [delta.completion for delta in deltas[:-1]] == [None] * 3
    assert deltas[-1].completion == engine.generate("small", [PROMPT], Sampling())[0]


def test_unknown_model_is_refused_before_the_first_piece(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match="no model 'large' here; the models are: small, tuned"):
        engine.generate("large", [PROMPT], Sampling())
    with pytest.raises(NotFoundError, match="large"):
        engine.stream("large", PROMPT, Sampling())


def test_long_prompt_is_refused() -> None:
    engine = ScriptedEngine({"small": lambda prompt: "x"}, context_tokens=3)
    with pytest.raises(UserError, match="has 4 tokens, but the context holds 3"):
        engine.generate("small", [PROMPT], Sampling())
    assert engine.generate("small", [PROMPT[:1]], Sampling())[0].text == "x"


def test_an_answer_with_calls_is_written_as_text(engine: Engine) -> None:
    turn = Message("assistant", "Well.", tool_calls=(ToolCall("f", "{}"),))
    row = Conversation((*PROMPT, turn))
    text = 'Well.\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
    assert engine.written("small", row) == text
    with pytest.raises(NotFoundError, match="There is no model 'large'"):
        engine.written("large", row)
