"""The report for programs: everything that was measured, all answers included."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from tunery.evaluate.about import About, Curves
from tunery.evaluate.comparison import Comparison, ModelResult
from tunery.evaluate.graders.grade import Grade
from tunery.evaluate.statistics.estimate import LEVEL, Difference, Share
from tunery.evaluate.wording import headline, verdict

SCHEMA = "tunery.report"
SCHEMA_VERSION = 1


def report_document(comparison: Comparison, curves: Curves, about: About) -> dict[str, Any]:
    """The whole report as JSON values.

    The keys are a promise: within one `schema_version` they are only ever added to. Shares are
    fractions `{"right", "n", "value", "lower", "upper"}`, differences `{"value", "lower",
    "upper"}`; what was not measured is null. `samples` are in the order of the test file.
    """
    paired = comparison.paired
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "headline": headline(comparison),
        "verdict": verdict(comparison),
        "about": dataclasses.asdict(about),
        "method": {
            "temperature": 0,
            "max_tokens": comparison.max_tokens,
            "batch_size": comparison.batch_size,
            "confidence_level": LEVEL,
            "row_interval": "Wilson score",
            "field_interval": "Wilson score at the effective sample size, rows as clusters",
            "difference_interval": "Newcombe 1998, method 10",
            "test": "McNemar exact, two-sided",
        },
        "rows": {
            "compared": len(comparison.samples),
            "unused": [dataclasses.asdict(row) for row in comparison.unused],
        },
        "base": _model(comparison.base),
        "tuned": _model(comparison.tuned),
        "paired": {
            "both_right": paired.both_right,
            "gained": paired.gained,
            "lost": paired.lost,
            "both_wrong": paired.both_wrong,
            "mcnemar_p": paired.p_value,
            "exact_match_difference": _difference(paired.difference),
            "fields_difference": _difference(comparison.fields_difference),
            "valid_json_difference": _difference(comparison.parsable_difference),
        },
        "curves": {
            "train_loss": _points(curves.train_loss),
            "validation_loss": _points(curves.validation_loss),
        },
        "samples": [_sample(comparison, row) for row in range(len(comparison.samples))],
    }


def _model(result: ModelResult) -> dict[str, Any]:
    scores = result.scores
    return {
        "model": result.model,
        "seconds": result.seconds,
        "exact_match": _share(scores.exact),
        "valid_json": _share(scores.parsable),
        "fields": _share(scores.fields),
        "per_field": {name: _share(share) for name, share in scores.per_field.items()},
        "truncated": scores.truncated,
        "with_extra_keys": scores.with_extra_keys,
    }


def _sample(comparison: Comparison, row: int) -> dict[str, Any]:
    sample = comparison.samples[row]
    return {
        "file": sample.file,
        "line": sample.line,
        "prompt": [turn.as_template_dict() for turn in sample.prompt],
        "tools": json.loads(sample.tools) if sample.tools else [],
        "reference": sample.reference,
        "base": _answer(comparison.base, row),
        "tuned": _answer(comparison.tuned, row),
    }


def _answer(result: ModelResult, row: int) -> dict[str, Any]:
    answer, grade = result.answers[row], result.grades[row]
    return {
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "exact": grade.exact,
        "valid_json": grade.parsable,
        **_fields(grade),
    }


def _fields(grade: Grade) -> dict[str, Any]:
    if grade.fields is None:
        return {"fields": None, "extra_keys": []}
    return {"fields": grade.fields.right, "extra_keys": list(grade.fields.extra)}


def _share(share: Share | None) -> dict[str, Any] | None:
    if share is None:
        return None
    return {
        "right": share.right,
        "n": share.n,
        "value": share.value,
        "lower": share.interval.lower,
        "upper": share.interval.upper,
    }


def _difference(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    interval = difference.interval
    return {"value": difference.value, "lower": interval.lower, "upper": interval.upper}


def _points(points: Sequence[tuple[int, float]]) -> list[list[float | None]]:
    # JSON has no number for "not a number".
    return [[step, loss if math.isfinite(loss) else None] for step, loss in points]
