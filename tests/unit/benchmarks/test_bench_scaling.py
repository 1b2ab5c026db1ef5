import json
from pathlib import Path

import pytest
from benchmarks.scaling.__main__ import Kept, main, measure_axes, table
from benchmarks.scaling.line import fit
from benchmarks.scaling.plot import draw
from benchmarks.scaling.point import measure, random_rows
from benchmarks.scaling.points import Axis, Point, as_options, axes
from benchmarks.scaling.verdict import judge, sentence

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
    (written,) = json.loads((tmp_path / "kept.json").read_text())["axes"]
    assert written["line"]["start"] == pytest.approx(0.5)
    assert written["verdict"] == {"straight": True, "memory_growth": 0.0, "flat": True}
    draw(measured, "a machine", tmp_path / "images" / "plot.png")
    assert (tmp_path / "images" / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("peaks", "flat"),
    [((300, 900, 329), True), ((300, 300, 331), False), ((300, 300, 269), False)],
)
def test_memory_is_flat_where_the_largest_point_is_near_the_smallest(
    peaks: tuple[int, ...], flat: bool
) -> None:
    assert judge("rows", 1.0, peaks).flat is flat
    assert judge("tokens", 1.0, peaks).flat is None


def test_a_bent_line_is_told_and_measured_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.json"
    kept = Kept(path, threads=1)
    for axis in axes():
        for point in axis.points if axis.name in ("rows", "shared") else ():
            unique = point.rows * point.tokens * (1 - point.shared)
            kept.points[" ".join(as_options(point))] = {
                "step_s": unique**3 if axis.name == "shared" else unique,
                "unique_tokens": round(unique),
                "peak_rss_mib": 300.0 + point.rows,
            }
    kept.finish([], {})
    command = ["--results", str(path), "--threads", "1", "--axis", "rows", "--axis", "shared"]
    assert main(command) == 0
    *_, rows, shared = capsys.readouterr().out.splitlines()
    assert rows == (
        "- rows in a step: time is a straight line (R² 1.0000, 0.99 wanted); memory is not flat "
        "(+35.4% from 16 to 128, at most 10% wanted)"
    )
    assert shared.startswith("- share of a row that is shared: time is no straight line (R² 0.8")
    assert "memory" not in shared
    rows_axis, shared_axis = json.loads(path.read_text())["axes"]
    assert (rows_axis["verdict"]["straight"], rows_axis["verdict"]["flat"]) == (True, False)
    assert (shared_axis["verdict"]["straight"], shared_axis["verdict"]["flat"]) == (False, None)
    assert sentence(rows_axis) in rows


@pytest.mark.parametrize("line", ["--threads 0", "--axis colour"])
def test_a_command_that_cannot_be_used(line: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(line.split())
    assert stopped.value.code == 2
