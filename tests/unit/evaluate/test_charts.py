import math
import re
from xml.etree import ElementTree

from tunery.evaluate.about import Curves
from tunery.evaluate.charts import MAX_POINTS, loss_chart, thinned


def falling(steps: int) -> list[tuple[int, float]]:
    return [(step, 3 * math.exp(-step / 30)) for step in range(1, steps + 1)]


def test_chart_is_a_named_drawing_with_labelled_axes() -> None:
    svg = loss_chart(Curves(falling(90), [(30, 1.2), (60, 0.5), (90, 0.25)]))
    drawing = ElementTree.fromstring(svg.replace("xlink:href", "href"))
    assert drawing.attrib["role"] == "img"
    assert drawing.find("title").text == "Loss over training"  # type: ignore[union-attr]
    text = "".join(drawing.itertext())
    assert "Training loss goes from 2.902 at step 1 to 0.149 at step 90" in text
    assert "Validation loss goes from 1.200 at step 30 to 0.250 at step 90" in text
    for label in ("optimizer step", "loss (nats per token)", "training", "validation"):
        assert label in text


def test_chart_follows_the_page_and_needs_nothing_from_outside() -> None:
    svg = loss_chart(Curves(falling(9), [(9, 1.0)]))
    assert "http" not in svg
    assert "<style" not in svg
    assert not re.search(r"#[0-9a-f]{6}\b", svg)
    for variable in ("--muted", "--line", "--tuned", "--base"):
        assert f"var({variable})" in svg


def test_chart_with_one_curve() -> None:
    assert "Validation" not in loss_chart(Curves(falling(9), []))
    assert "Training" not in loss_chart(Curves([], [(1, 1.0)]))


def test_no_points_is_no_chart() -> None:
    assert loss_chart(Curves()) == ""
    assert loss_chart(Curves([(1, math.nan)], [(1, math.inf)])) == ""


def test_the_same_curves_give_the_same_drawing() -> None:
    curves = Curves(falling(20), [(20, 1.0)])
    assert loss_chart(curves) == loss_chart(curves)


def test_many_points_become_means_of_neighbours() -> None:
    points = [(float(step), float(step % 2)) for step in range(4 * MAX_POINTS)]
    assert thinned(points)[:2] == [(1.5, 0.5), (5.5, 0.5)]
    assert len(thinned(points)) == MAX_POINTS
    assert thinned(points[:MAX_POINTS]) == points[:MAX_POINTS]
    uneven = thinned([(float(step), 1.0) for step in range(MAX_POINTS + 1)])
    assert uneven[-1] == (float(MAX_POINTS), 1.0)
