import json
from pathlib import Path

import pytest
from benchmarks.scaling.__main__ import Kept, main, measure_axes, table
from benchmarks.scaling.line import fit
from benchmarks.scaling.plot import draw
from benchmarks.scaling.point import measure, random_rows
from benchmarks.scaling.points import Axis, Point, as_options, axes

SMALL = Point(rows=4, tokens=24, vocabulary=64, blocks=1)


def test_a_straight_line_and_a_bent_one() -> None:
    line = fit([1, 2, 3], [5.0, 7.0, 9.0])
    assert (line.slope, line.start, line.r_squared) == pytest.approx((2.0, 3.0, 1.0))
    assert fit([0, 1, 2, 3], [0.0, 1.0, 4.0, 9.0]).r_squared < 0.95


def test_each_axis_grows_one_quantity() -> None:
    for axis in axes():
        values = [getattr(point, axis.name) for point in axis.points]
        assert values == sorted(set(values))
        options = [as_options(point) for point in axis.points]
        different = {i for row in options for i, part in enumerate(row) if part != options[0][i]}
        assert len(different) == 1


def test_rows_share_what_they_should() -> None:
    first, *others = random_rows(Point(rows=3, tokens=40, shared=0.5))
    assert {len(row.ids) for row in (first, *others)} == {40}
    assert {row.ids[:20] for row in others} == {first.ids[:20]}
    assert len({row.ids for row in (first, *others)}) == 3


def test_a_point_is_trained() -> None:
    found = measure(SMALL)
    assert (found["unique_tokens"], found["row_tokens"]) == (96, 96)
    assert found["layer_weights"] == 2 * 256 * 256 + 2 * 128 * 256 + 3 * 256 * 704
    assert found["step_s"] > 0


def test_points_are_measured_once_and_the_plot_is_drawn(tmp_path: Path) -> None:
    axis = Axis("rows", "rows in a step", "unique_tokens", (SMALL, Point(8, 24, 0.0, 64, 1)))
    kept = Kept(tmp_path / "kept.json", threads=1)
    for rows, seconds in ((4, 1.0), (8, 1.5)):
        name = " ".join(as_options(Point(rows, 24, 0.0, 64, 1)))
        kept.points[name] = {"step_s": seconds, "unique_tokens": 24 * rows, "peak_rss_mib": 300.0}
    measured = measure_axes([axis], kept)
    kept.finish(measured, {"cpu": "fast"})
    again = Kept(tmp_path / "kept.json", threads=1)
    assert again.points == kept.points
    assert Kept(tmp_path / "kept.json", threads=2).points == {}
    lines = table(measured).splitlines()
    cells = [cell.strip() for cell in lines[-1].strip("|").split("|")]
    assert cells == ["rows in a step", "8", "192", "1.50", "300", "1.0000"]
    assert json.loads((tmp_path / "kept.json").read_text())["axes"][0]["line"]["start"] == (
        pytest.approx(0.5)
    )
    draw(measured, "a machine", tmp_path / "images" / "plot.png")
    assert (tmp_path / "images" / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("line", ["--threads 0", "--axis colour"])
def test_a_command_that_cannot_be_used(line: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(line.split())
    assert stopped.value.code == 2
