"""The results as rows of plain text, for a table in a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.evaluate.comparison import Comparison
from tunery.evaluate.statistics.estimate import Difference, Share
from tunery.evaluate.wording import difference_text, share_text

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One line of the table.

    Attributes:
        metric: What is measured.
        n: Over how many, with the unit: "60 rows".
        base: The untuned model's result.
        tuned: The tuned model's result.
        difference: Tuned minus base; "-" where none is computed.
    """

    metric: str
    n: str
    base: str
    tuned: str
    difference: str


def summary_rows(comparison: Comparison) -> list[SummaryRow]:
    """The metrics that exist for these rows, the main one first."""
    base, tuned = comparison.base.scores, comparison.tuned.scores
    rows = [_share_row("Exact match", "row", base.exact, tuned.exact, comparison.paired.difference)]
    if base.fields and tuned.fields:
        difference = comparison.fields_difference
        rows.append(_share_row("JSON fields right", "field", base.fields, tuned.fields, difference))
    if base.parsable and tuned.parsable:
        difference = comparison.parsable_difference
        rows.append(_share_row("Valid JSON", "row", base.parsable, tuned.parsable, difference))
    n = _counted(len(comparison.samples), "row")
    counts = [
        ("Truncated by the token limit", base.truncated, tuned.truncated),
        ("With extra keys", base.with_extra_keys, tuned.with_extra_keys),
    ]
    return rows + [
        SummaryRow(metric, n, str(of_base), str(of_tuned), ABSENT)
        for metric, of_base, of_tuned in counts
        if of_base or of_tuned
    ]


def _share_row(
    metric: str, unit: str, base: Share, tuned: Share, difference: Difference | None
) -> SummaryRow:
    return SummaryRow(
        metric=metric,
        n=_counted(base.n, unit),
        base=share_text(base),
        tuned=share_text(tuned),
        difference=difference_text(difference) if difference else ABSENT,
    )


def _counted(n: int, unit: str) -> str:
    return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
