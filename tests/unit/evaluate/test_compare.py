from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tunery.data.conversation import Message
from tunery.errors import NotFoundError, UserError
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.run import answer_samples, compare
from tunery.evaluate.sample import Sample, UnusedRow
from tunery.serve.engine import Completion, Sampling
from tunery.testing.scripted_engine import ScriptedEngine

Compared = Callable[..., Comparison]
JSON = '{"a": 1, "b": 2}'


def sample(question: str, reference: str = "yes", line: int = 1) -> Sample:
    return Sample((Message("user", question),), reference, "test.jsonl", line)


@dataclass
class RecordingEngine(ScriptedEngine):
    """Remembers what it was asked."""

    calls: list[tuple[str, int, Sampling]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__({"base": lambda _: "no", "tuned": lambda _: "yes"})

    def generate(
        self, model: str, prompts: Sequence[Sequence[Message]], sampling: Sampling
    ) -> list[Completion]:
        self.calls.append((model, len(prompts), sampling))
        return super().generate(model, prompts, sampling)


def test_both_models_get_the_same_rows_at_temperature_zero_in_batches() -> None:
    engine, progress = RecordingEngine(), []
    compare(
        engine,
        "base",
        "tuned",
        [sample(str(i)) for i in range(5)],
        max_tokens=7,
        batch_size=2,
        on_progress=lambda *step: progress.append(step),
    )
    sampling = Sampling(max_tokens=7, temperature=0.0)
    assert engine.calls == [(m, n, sampling) for m in ("base", "tuned") for n in (2, 2, 1)]
    assert progress == [(m, done, 5) for m in ("base", "tuned") for done in (2, 4, 5)]


def test_answers_keep_order_and_tokens() -> None:
    engine = ScriptedEngine({"echo": lambda prompt: prompt[-1].content})
    answers = answer_samples(engine, "echo", [sample("a b"), sample("c")], Sampling())
    assert [(a.text, a.finish_reason, a.prompt_tokens, a.completion_tokens) for a in answers] == [
        ("a b", "stop", 2, 2),
        ("c", "stop", 1, 1),
    ]


def test_all_wrong_before_and_all_right_after(compared: Compared) -> None:
    result = compared([(JSON, "sorry", JSON)] * 60)
    assert (result.base.scores.exact.right, result.tuned.scores.exact.right) == (0, 60)
    assert result.tuned.scores.fields is not None
    assert result.tuned.scores.fields.value == 1
    assert result.paired.gained == 60
    assert result.paired.difference.value == 1
    assert result.paired.p_value < 1e-15
    assert result.parsable_difference is not None
    assert result.parsable_difference.value == 1


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_the_same_answers_are_no_difference(compared: Compared, answer: str) -> None:
    result = compared([("yes", answer, answer)] * 8)
    assert result.paired.p_value == 1
    assert result.paired.difference.value == 0
    assert result.paired.difference.interval.lower < 0 < result.paired.difference.interval.upper


def test_one_model_with_itself_is_asked_once() -> None:
    engine = RecordingEngine()
    result = compare(engine, "tuned", "tuned", [sample("q")])
    assert len(engine.calls) == 1
    assert result.base == result.tuned


def test_one_row_has_wide_intervals(compared: Compared) -> None:
    result = compared([(JSON, "x", JSON)])
    assert result.tuned.scores.exact.interval.lower < 0.25
    assert result.tuned.scores.fields is not None
    assert result.tuned.scores.fields.interval.lower < 0.25
    assert result.paired.p_value == 1


def test_text_references_have_no_json_numbers(compared: Compared) -> None:
    result = compared([("yes", "no", "yes"), ("42", "42", "42.0")])
    for scores in (result.base.scores, result.tuned.scores):
        assert scores.parsable is None
        assert scores.fields is None
        assert scores.per_field == {}
    assert result.fields_difference is None
    assert result.parsable_difference is None
    assert result.paired.lost == result.paired.gained == 1


def test_arrays_are_json_without_fields(compared: Compared) -> None:
    result = compared([("[1]", "no", "[1]")])
    assert result.tuned.scores.fields is None
    assert result.tuned.scores.parsable is not None
    assert result.tuned.scores.parsable.right == 1


def test_mixed_references_measure_json_where_there_is_json(compared: Compared) -> None:
    result = compared(
        [
            (JSON, '{"a": 1}', JSON),
            ("yes", "yes", "yes"),
            ("{}", "{}", '{"c": 0}'),
            ('{"b": "x"}', "", '{"b": "y"}'),
        ]
    )
    base, tuned = result.base.scores, result.tuned.scores
    assert (base.exact.right, base.exact.n) == (2, 4)
    assert base.parsable is not None
    assert (base.parsable.right, base.parsable.n) == (2, 3)
    assert base.fields is not None
    assert (base.fields.right, base.fields.n) == (1, 3)
    assert {name: (s.right, s.n) for name, s in base.per_field.items()} == {
        "a": (1, 1),
        "b": (0, 2),
    }
    assert {name: (s.right, s.n) for name, s in tuned.per_field.items()} == {
        "a": (1, 1),
        "b": (1, 2),
    }
    assert (base.with_extra_keys, tuned.with_extra_keys) == (0, 1)


def test_only_empty_objects_have_no_field_number(compared: Compared) -> None:
    result = compared([("{}", "{}", "{}")])
    assert result.base.scores.fields is None
    assert result.base.scores.exact.right == 1


def test_answers_cut_by_the_limit_are_counted(compared: Compared) -> None:
    result = compared([("a b c", "a b c d", "a b c")] * 2, max_tokens=3)
    assert (result.base.scores.truncated, result.tuned.scores.truncated) == (2, 0)
    assert result.base.answers[0].finish_reason == "length"
    assert result.base.scores.exact.right == 2


def test_no_rows_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"no held-out row .* none was given") as error:
        compare(RecordingEngine(), "base", "tuned", [])
    assert "data.test" in error.value.hint
    unused = [UnusedRow("t.jsonl", 4, "No answer.")]
    with pytest.raises(UserError, match=r"1 were given .* the first, t.jsonl:4: No answer."):
        compare(RecordingEngine(), "base", "tuned", [], unused=unused)


def test_refused_prompts_are_listed_and_left_out_for_both() -> None:
    engine = ScriptedEngine({"base": lambda _: "no", "tuned": lambda _: "yes"}, context_tokens=2)
    rows = [sample("a b", line=1), sample("a b c", line=2), sample("a", line=3)]
    result = compare(engine, "base", "tuned", rows, unused=[UnusedRow("t.jsonl", 9, "No answer.")])
    assert [s.line for s in result.samples] == [1, 3]
    assert result.tuned.scores.exact.n == 2
    assert len(result.base.answers) == len(result.base.grades) == 2
    assert [(row.file, row.line) for row in result.unused] == [("t.jsonl", 9), ("test.jsonl", 2)]
    assert "has 3 tokens, but the context holds 2" in result.unused[1].reason


def test_all_prompts_refused_is_an_error() -> None:
    engine = ScriptedEngine({"base": lambda _: "no", "tuned": lambda _: "yes"}, context_tokens=0)
    with pytest.raises(UserError, match="2 were given and none can be used"):
        compare(engine, "base", "tuned", [sample("a"), sample("b")])


def test_unknown_model_is_not_taken_for_a_refused_prompt() -> None:
    with pytest.raises(NotFoundError, match="absent"):
        compare(RecordingEngine(), "base", "absent", [sample("a"), sample("b")])
