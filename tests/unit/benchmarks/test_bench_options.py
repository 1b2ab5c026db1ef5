from pathlib import Path

import pytest
from benchmarks.train_vs_trl.options import Options, read_options, usable_cores


def test_only_the_data_must_be_given() -> None:
    assert read_options(["--data", "rows.jsonl"]) == Options(
        data=Path("rows.jsonl"),
        rows=24,
        batch=8,
        model="smollm2-135m-instruct",
        threads=usable_cores(),
        repeat=1,
        sides=("ours", "peer"),
        json=False,
    )


def test_everything_can_be_given() -> None:
    line = "--data a.csv --rows 48 --batch 4 --model ./m --threads 3 --repeat 5 --json"
    assert read_options(line.split()) == Options(
        data=Path("a.csv"),
        rows=48,
        batch=4,
        model="./m",
        threads=3,
        repeat=5,
        sides=("ours", "peer"),
        json=True,
    )


@pytest.mark.parametrize(
    ("flag", "sides"), [("--ours-only", ("ours",)), ("--peer-only", ("peer",))]
)
def test_one_side_alone(flag: str, sides: tuple[str, ...]) -> None:
    assert read_options(["--data", "a", flag]).sides == sides


@pytest.mark.parametrize("value", ["0", "-3", "2.5", "many"])
@pytest.mark.parametrize("option", ["--rows", "--batch", "--threads", "--repeat"])
def test_counts_are_whole_and_positive(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        read_options(["--data", "a", option, value])
    assert stopped.value.code == 2
    assert f"'{value}' given, expected a whole number of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["", "--data a --ours-only --peer-only", "--data a --row 3"])
def test_a_command_that_cannot_be_used(line: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        read_options(line.split())
    assert stopped.value.code == 2
