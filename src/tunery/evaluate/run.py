"""Asks two models the same questions and compares what they say."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from tunery.data.conversation import Prompt
from tunery.errors import NotFoundError, UserError
from tunery.evaluate.answer import Answer
from tunery.evaluate.comparison import Comparison, ModelResult
from tunery.evaluate.graders.grade import grade_answer
from tunery.evaluate.sample import Sample, UnusedRow
from tunery.evaluate.scores import field_clusters, score
from tunery.evaluate.statistics.clustered import clustered_difference
from tunery.evaluate.statistics.estimate import Difference
from tunery.evaluate.statistics.paired import paired_comparison
from tunery.serve.engine import Engine, Sampling


def compare(
    engine: Engine,
    base: str,
    tuned: str,
    samples: Sequence[Sample],
    *,
    max_tokens: int | None = 128,
    batch_size: int = 32,
    unused: Sequence[UnusedRow] = (),
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Lets both models answer the same rows through the same engine, at temperature 0.

    A row whose prompt the engine refuses for either model is left out for both and listed under
    `unused`.

    Args:
        engine: Answers for both models.
        base: Name of the untuned model.
        tuned: Name of the tuned model.
        samples: The held-out rows.
        max_tokens: Limit on an answer; None means the model's context.
        batch_size: Rows answered at once, which decides speed and memory.
        unused: Held-out rows that are no samples, to be listed in the report.
        on_progress: Called after each batch with model name, rows done, and rows in all.

    Raises:
        UserError: There is no row to compare on.
        NotFoundError: The engine has no such model.
    """
    _require_rows(samples, unused)
    sampling = Sampling(max_tokens=max_tokens, temperature=0.0)
    said: dict[str, list[Answer]] = {}
    seconds: dict[str, float] = {}
    for model in dict.fromkeys((base, tuned)):  # one model compared with itself is asked once
        started = time.perf_counter()
        said[model] = answer_samples(
            engine, model, samples, sampling, batch_size, _for_model(model, on_progress)
        )
        seconds[model] = time.perf_counter() - started

    refused = _refused_rows(samples, said)
    kept = [row for row in range(len(samples)) if row not in refused]
    unused = (*unused, *refused.values())
    _require_rows(kept, unused)
    compared = tuple(samples[row] for row in kept)
    results = {
        model: _result(model, compared, [answers[row] for row in kept], seconds[model])
        for model, answers in said.items()
    }
    return _comparison(compared, results[base], results[tuned], unused, max_tokens, batch_size)


def answer_samples(
    engine: Engine,
    model: str,
    samples: Sequence[Sample],
    sampling: Sampling,
    batch_size: int = 32,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Answer]:
    """Lets one model answer all samples, in their order.

    A prompt that the engine refuses becomes an `Answer` with `finish_reason` "refused"; it does
    not stop the others of its batch.

    Args:
        engine: Answers.
        model: Name of the model.
        samples: The rows.
        sampling: How the answers are made.
        batch_size: Rows answered at once.
        on_progress: Called after each batch with rows done and rows in all.

    Raises:
        NotFoundError: The engine has no such model.
    """
    answers: list[Answer] = []
    for start in range(0, len(samples), batch_size):
        prompts = [sample.question for sample in samples[start : start + batch_size]]
        answers += _answer_batch(engine, model, prompts, sampling)
        if on_progress:
            on_progress(len(answers), len(samples))
    return answers


def _answer_batch(
    engine: Engine, model: str, prompts: Sequence[Prompt], sampling: Sampling
) -> list[Answer]:
    try:
        completions = engine.generate(model, prompts, sampling)
    except NotFoundError:
        raise
    except UserError as error:
        if len(prompts) == 1:
            return [Answer("", "refused", refusal=str(error))]
        # One prompt spoiled the batch; alone, each shows whether it is the one.
        return [
            answer
            for prompt in prompts
            for answer in _answer_batch(engine, model, [prompt], sampling)
        ]
    return [
        Answer(c.text, c.finish_reason, c.prompt_tokens, c.completion_tokens) for c in completions
    ]


def _for_model(
    model: str, on_progress: Callable[[str, int, int], None] | None
) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(model, done, total)


def _refused_rows(
    samples: Sequence[Sample], said: Mapping[str, Sequence[Answer]]
) -> dict[int, UnusedRow]:
    """Rows that a model would not take, by index."""
    return {
        row: UnusedRow(sample.file, sample.line, f"Model '{model}': {answers[row].refusal}")
        for model, answers in said.items()
        for row, sample in enumerate(samples)
        if answers[row].finish_reason == "refused"
    }


def _require_rows(rows: Sequence[object], unused: Sequence[UnusedRow]) -> None:
    if rows:
        return
    given = "none was given"
    if unused:
        first = unused[0]
        given = (
            f"{len(unused)} were given and none can be used; "
            f"the first, {first.file}:{first.line}: {first.reason}"
        )
    raise UserError(
        f"There is no held-out row to compare the models on: {given}",
        "Name a file in `data.test` whose rows end with the right answer as an assistant turn.",
    )


def _result(
    model: str, samples: Sequence[Sample], answers: Sequence[Answer], seconds: float
) -> ModelResult:
    grades = tuple(
        grade_answer(sample.reference, answer.text)
        for sample, answer in zip(samples, answers, strict=True)
    )
    return ModelResult(model, tuple(answers), grades, score(answers, grades), seconds)


def _comparison(
    samples: tuple[Sample, ...],
    base: ModelResult,
    tuned: ModelResult,
    unused: tuple[UnusedRow, ...],
    max_tokens: int | None,
    batch_size: int,
) -> Comparison:
    base_fields, tuned_fields = field_clusters(base.grades), field_clusters(tuned.grades)
    return Comparison(
        samples=samples,
        base=base,
        tuned=tuned,
        paired=paired_comparison(
            [grade.exact for grade in base.grades], [grade.exact for grade in tuned.grades]
        ),
        fields_difference=clustered_difference(base_fields, tuned_fields) if base_fields else None,
        parsable_difference=_parsable_difference(base, tuned),
        unused=unused,
        max_tokens=max_tokens,
        batch_size=batch_size,
    )


def _parsable_difference(base: ModelResult, tuned: ModelResult) -> Difference | None:
    # Whether this is None depends on the reference alone, so it is the same rows for both.
    of_base = [grade.parsable for grade in base.grades if grade.parsable is not None]
    of_tuned = [grade.parsable for grade in tuned.grades if grade.parsable is not None]
    return paired_comparison(of_base, of_tuned).difference if of_base else None
