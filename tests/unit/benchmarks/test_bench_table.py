import json
from typing import Any

import pytest
from benchmarks.train_vs_peers.comparison import Comparison, Measurement, Pair
from benchmarks.train_vs_peers.table import as_json, as_text, number, times


def measurement(rate: float, loss: tuple[float, ...] = (1.0, 0.5), **changes: Any) -> Measurement:
    values: dict[str, Any] = {
        "rows": 8,
        "tokens": 100,
        "rows_per_s": rate,
        "rows_per_s_after_first": None,
        "peak_rss_mib": 2000.0 / rate,
        "wall_s": 60 / rate,
        "loss": loss,
        "versions": {"torch": "2.13.0"},
    }
    return Measurement(**values | changes)


def shown(comparison: Comparison) -> list[list[str]]:
    """The lines printed, each as its cells without blanks at their ends."""
    lines = as_text(comparison, "the setting").splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_ours_peer_and_ratio_stand_in_a_row() -> None:
    pair = Pair(measurement(4.0, loss=(1.1, 0.5)), measurement(0.5))
    lines = shown(Comparison((pair,), {}))
    assert lines[0] == ["the setting"]
    assert ["", "", "ours", "peer", "ours / peer", ""] in lines
    assert ["", "rows/s over training", "4.00", "0.500", "8.00x", ""] in lines
    assert ["", "rows/s after the first step", "-", "-", "-", ""] in lines
    assert ["", "peak memory, MiB", "500", "4,000", "0.125x", ""] in lines
    assert ["", "whole process, s", "15.0", "120", "0.125x", ""] in lines
    assert ["", "1", "1.10000", "1.00000", "+10.00%", ""] in lines
    assert ["", "2", "0.50000", "0.50000", "+0.00%", ""] in lines
    assert ["", "largest", "", "", "10.00%", ""] in lines


def test_pairs_are_shown_as_medians_with_each_ratio() -> None:
    pairs = tuple(Pair(measurement(ours), measurement(1.0)) for ours in (4.0, 2.0, 9.0))
    lines = shown(Comparison(pairs, {}))
    heading = ["", "", "ours (median of 3)", "peer (median of 3)", "ours / peer", "each pair", ""]
    assert heading in lines
    row = ["", "rows/s over training", "4.00", "1.00", "4.00x", "4.00x, 2.00x, 9.00x", ""]
    assert row in lines


def test_columns_are_aligned() -> None:
    text = as_text(Comparison((Pair(measurement(4.0), measurement(0.5)),), {}), "the setting")
    for table in text.split("\n\n")[1:]:
        lines = table.split("\n")
        bars = [[at for at, char in enumerate(line) if char == "|"] for line in lines]
        assert bars == [bars[0]] * len(lines)
        assert set(lines[1]) == set("|- :")


def test_a_failed_side_is_told_and_the_other_one_shown() -> None:
    pair = Pair(measurement(4.0), None)
    lines = shown(Comparison((pair,), {"peer": "The peer broke; its last lines:\n[red] why"}))
    assert ["", "rows/s over training", "4.00", "-", "-", ""] in lines
    assert ["", "1", "1.00000", "-", "-", ""] in lines
    assert lines[-2:] == [["peer failed: The peer broke; its last lines:"], ["[red] why"]]


def test_nothing_but_failures() -> None:
    lines = shown(Comparison((Pair(None, None),), {"ours": "a", "peer": "b"}))
    assert [line for line in lines if line != [""]] == [
        ["the setting"],
        ["ours failed: a"],
        ["peer failed: b"],
    ]


def test_different_work_is_told_below_the_table() -> None:
    pair = Pair(measurement(4.0), measurement(1.0, tokens=99))
    assert shown(Comparison((pair,), {}))[-1] == [
        "The sides trained different tokens: ours 100, peer 99."
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.07912, "0.0791"), (2.0, "2.00"), (18_534.4, "18,534"), (100, "100")],
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_ratio_that_is_absent() -> None:
    assert times(None) == "-"


def test_losses_of_other_steps_are_not_laid_side_by_side() -> None:
    pair = Pair(measurement(4.0, loss=(1.1, 0.5)), measurement(1.0, tokens=99))
    text = as_text(Comparison((pair,), {}), "the setting", losses=False)
    assert "rows/s over training" in text
    assert "loss" not in text
    assert "different" not in text


def test_json_holds_everything() -> None:
    pairs = (
        Pair(measurement(4.0, loss=(1.1,)), measurement(1.0, loss=(1.0,))),
        Pair(measurement(2.0, loss=(1.1,)), None),
    )
    comparison = Comparison(pairs, {"peer": "it broke"})
    answer = json.loads(json.dumps(as_json(comparison, {"rows": 8}, {"cpu": "fast"})))
    assert answer["benchmark"] == "train_vs_peers"
    assert (answer["settings"], answer["machine"]) == ({"rows": 8}, {"cpu": "fast"})
    assert answer["ours"]["median"]["rows_per_s"] == 3.0
    assert answer["ours"]["median"]["rows_per_s_after_first"] is None
    assert [run["rows_per_s"] for run in answer["ours"]["runs"]] == [4.0, 2.0]
    assert answer["ours"]["runs"][0]["versions"] == {"torch": "2.13.0"}
    assert (answer["ours"]["failure"], answer["peer"]["failure"]) == (None, "it broke")
    assert answer["ratio"]["rows_per_s"] == {"median": 4.0, "pairs": [4.0]}
    assert answer["ratio"]["rows_per_s_after_first"] == {"median": None, "pairs": []}
    assert answer["loss"]["steps"] == [
        {"step": 1, "ours": 1.1, "peer": 1.0, "relative_difference": pytest.approx(0.1)}
    ]
    assert answer["loss"]["largest_relative_difference"] == pytest.approx(0.1)
    assert answer["notes"] == ["Losses differ by up to 10.0%, more than 1%."]
