"""The report for people: one page that needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tunery.evaluate import wording
from tunery.evaluate.about import About, Curves
from tunery.evaluate.charts import MAX_POINTS, loss_chart
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.report_samples import sample_views, shared_system_prompt
from tunery.evaluate.statistics.estimate import Difference, Share

OPEN_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class MetricView:
    """One line of a table of shares.

    Attributes:
        name: What is measured.
        explanation: In other words, one phrase; may be empty.
        unit: What is counted, in the plural.
        base: The untuned model's share.
        tuned: The tuned model's share.
        difference: Tuned minus base; None where none is computed.
    """

    name: str
    explanation: str
    unit: str
    base: Share
    tuned: Share
    difference: Difference | None


def report_page(comparison: Comparison, curves: Curves, about: About) -> str:
    """The whole page as HTML.

    It loads nothing, runs no script, and forbids both by its content security policy. All text
    that comes from data or models is escaped.
    """
    environment = Environment(
        loader=PackageLoader("tunery.evaluate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=wording.percent,
        brackets=wording.brackets,
        points=wording.points,
        together=_together,
    )
    samples = sample_views(comparison)
    return environment.get_template("report.html.j2").render(
        about=about,
        comparison=comparison,
        headline=wording.headline(comparison),
        verdict=wording.verdict(comparison),
        metrics=metric_views(comparison),
        counts=count_views(comparison),
        fields=field_views(comparison),
        chart=loss_chart(curves),
        has_validation=bool(curves.validation_loss),
        chart_is_thinned=len(curves.train_loss) > MAX_POINTS,
        system_prompt=shared_system_prompt(comparison),
        open_samples=samples[:OPEN_SAMPLES],
        more_samples=samples[OPEN_SAMPLES:],
        run_facts=run_facts(comparison, about),
        settings=flat_settings(about.settings),
        p_text=wording.p_text(comparison.paired.p_value),
    )


def metric_views(comparison: Comparison) -> list[MetricView]:
    """The metrics that exist for these rows."""
    base, tuned = comparison.base.scores, comparison.tuned.scores
    views = [
        MetricView(
            "Exact match",
            "the answer is the reference, whole",
            "rows",
            base.exact,
            tuned.exact,
            comparison.paired.difference,
        )
    ]
    if base.fields and tuned.fields:
        views.append(
            MetricView(
                "JSON fields right",
                "of all fields of all references",
                "fields",
                base.fields,
                tuned.fields,
                comparison.fields_difference,
            )
        )
    if base.parsable and tuned.parsable:
        views.append(
            MetricView(
                "Valid JSON",
                "the answer is JSON by itself, right or wrong",
                "rows",
                base.parsable,
                tuned.parsable,
                comparison.parsable_difference,
            )
        )
    return views


def count_views(comparison: Comparison) -> list[tuple[str, str, int, int]]:
    """(what, in other words, base answers, tuned answers) for what happened at least once."""
    base, tuned = comparison.base.scores, comparison.tuned.scores
    counts = [
        ("Truncated", "cut by the token limit", base.truncated, tuned.truncated),
        (
            "Extra keys",
            "that the reference does not have",
            base.with_extra_keys,
            tuned.with_extra_keys,
        ),
    ]
    return [count for count in counts if any(count[2:])]


def field_views(comparison: Comparison) -> list[MetricView]:
    """One line for each field of the references."""
    tuned = comparison.tuned.scores.per_field
    return [
        MetricView(name, "", "rows", share, tuned[name], None)
        for name, share in comparison.base.scores.per_field.items()
    ]


def run_facts(comparison: Comparison, about: About) -> list[tuple[str, str]]:
    """What there is to say about the run in one line each."""
    base, tuned = comparison.base, comparison.tuned
    facts = [
        ("Base model", about.model or base.model),
        ("Tuned model", tuned.model),
        ("Machine", about.machine),
        *((stage, wording.duration(seconds)) for stage, seconds in about.seconds.items()),
        ("Answers of the base model", wording.duration(base.seconds)),
        ("Answers of the tuned model", wording.duration(tuned.seconds)),
        ("Rows answered at once", str(comparison.batch_size)),
    ]
    if about.peak_memory_bytes is not None:
        facts.append(("Peak memory", wording.memory(about.peak_memory_bytes)))
    return [(name, value) for name, value in facts if value]


def flat_settings(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    """Nested settings as (dotted name, value) pairs."""
    return [(name, value) for key in settings for name, value in _flat(key, settings[key])]


def _flat(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        return [pair for key in value for pair in _flat(f"{name}.{key}", value[key])]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [(name, ", ".join(map(str, value)))]
    return [(name, "not set" if value is None else str(value))]


def _together(text: Any) -> str:
    # A line must not break between a number and its unit.
    return re.sub(r" (?=%|points\b|[<=] )|(?<= p [<=]) ", "\u00a0", str(text))
