from collections.abc import Callable

import pytest

from tunery.evaluate import wording
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.statistics.estimate import Interval
from tunery.evaluate.summary import SummaryRow, summary_rows

Compared = Callable[..., Comparison]
JSON = '{"a":1,"b":2}'


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.8, "80 %"),
        (59 / 60, "98.3 %"),
        (2999 / 3000, "99.97 %"),
        (1 / 3000, "0.03 %"),
        (0.29 * 3 - 0.87 + 0.5, "50 %"),
        (1e-16, "0 %"),
        (1e-12, "0 %"),
    ],
)
def test_percent_calls_only_exact_values_0_and_100(fraction: float, text: str) -> None:
    assert wording.percent(fraction) == text


def test_differences_have_a_sign_and_a_true_minus() -> None:
    assert wording.points(0.8) == "+80 points"
    assert wording.points(0.0) == "0 points"
    assert wording.points(-0.125) == "\u221212.5 points"
    assert wording.brackets(Interval(-0.0004, 0.1)) == "[\u22120.04, 10]"


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(1e-9, "p < 0.001"), (0.0123, "p = 0.012"), (0.5, "p = 0.5"), (1.0, "p = 1")],
)
def test_p_values(p_value: float, text: str) -> None:
    assert wording.p_text(p_value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.04 s"),
        (0.4, "0.4 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_memory() -> None:
    assert wording.memory(512 * 2**20) == "512 MiB"
    assert wording.memory(int(2.41 * 2**30)) == "2.41 GiB"


def test_headline_says_it_in_one_sentence(compared: Compared) -> None:
    result = compared([(JSON, "no", JSON)] * 48 + [(JSON, "no", "no")] * 12)
    assert wording.headline(result) == (
        "On 60 held-out rows the tuned model answers 80 % exactly [68.2, 88.2]; "
        "the base model 0 % [0, 6]; difference +80 points [66.8, 88.2], McNemar p < 0.001."
    )
    assert wording.verdict(result).startswith("The tuned model is better")


def test_headline_of_one_row(compared: Compared) -> None:
    result = compared([("yes", "no", "yes")])
    assert wording.headline(result).startswith("On 1 held-out row the tuned model")
    assert wording.verdict(result).startswith("No clear difference")


def test_verdict_when_tuning_made_it_worse(compared: Compared) -> None:
    result = compared([("yes", "yes", "no")] * 10)
    assert wording.verdict(result).startswith("The base model is better")


def test_verdict_when_nothing_changed(compared: Compared) -> None:
    result = compared([("yes", "yes", "yes"), ("yes", "no", "maybe")])
    assert wording.verdict(result) == "No difference: both models got the same rows right."


def test_summary_has_the_metrics_that_exist(compared: Compared) -> None:
    rows = summary_rows(compared([(JSON, "a b c", JSON), (JSON, "", '{"c":1}')], max_tokens=2))
    assert [(row.metric, row.n) for row in rows] == [
        ("Exact match", "2 rows"),
        ("JSON fields right", "4 fields"),
        ("Valid JSON", "2 rows"),
        ("Truncated by the token limit", "2 rows"),
        ("With extra keys", "2 rows"),
    ]
    assert rows[0].tuned == "50 % [9.5, 90.5]"
    assert rows[0].difference.startswith("+50 points [")
    assert (rows[3].base, rows[3].tuned, rows[3].difference) == ("1", "0", "-")


def test_summary_of_text_rows_is_one_line(compared: Compared) -> None:
    (row,) = summary_rows(compared([("yes", "no", "no")]))
    assert row == SummaryRow(
        "Exact match", "1 row", "0 % [0, 79.3]", "0 % [0, 79.3]", "0 points [\u221279.3, 79.3]"
    )
