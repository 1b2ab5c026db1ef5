from pathlib import Path

import pytest
from benchmarks.train_vs_peers.cases import CASES, Case, with_targets
from benchmarks.train_vs_peers.options import read_options, usable_cores


def test_rows_of_ones_own() -> None:
    options = read_options(["--data", "rows.jsonl"])
    assert options.cases == (Case("data", Path("rows.jsonl").resolve(), 24, 8, 8),)
    assert (options.peers, options.ours, options.repeat) == (("trl",), True, 1)
    assert options.threads == usable_cores()
    assert (options.results, options.markdown, options.json) == (None, None, False)


def test_everything_can_be_given() -> None:
    line = "--data a.csv --rows 48 --batch 4 --micro-batch 2 --model ./m --threads 3 --repeat 5"
    line += " --peers trl,llamafactory --results r --markdown p.md --json --data-sets /sets"
    options = read_options(line.split())
    assert options.cases == (Case("data", Path("a.csv").resolve(), 48, 4, 2),)
    assert (options.model, options.threads, options.repeat) == ("./m", 3, 5)
    assert options.peers == ("trl", "llamafactory")
    assert (options.results, options.markdown) == (Path("r"), Path("p.md"))
    assert (options.data_sets, options.json) == (Path("/sets"), True)


def test_cases_by_name_and_all() -> None:
    given = read_options(["--case", "gsm8k", "--case", "drone"])
    assert given.cases == (CASES["gsm8k"], CASES["drone"])
    everything = read_options(["--all"]).cases
    assert everything == tuple(with_targets())
    assert [case.name for case in everything] == [
        "banking77",
        "drone",
        "squad",
        "gsm8k",
        "instructions",
    ]


@pytest.mark.parametrize("name", CASES)
def test_every_case_fills_whole_steps_and_several_of_them(name: str) -> None:
    case = CASES[name]
    assert case.rows % case.batch == case.batch % case.micro_batch == 0
    assert case.rows // case.batch >= 3


def test_another_batch_keeps_the_micro_batch_a_divisor_of_it() -> None:
    (case,) = read_options(["--case", "drone", "--batch", "6"]).cases
    assert (case.batch, case.micro_batch) == (6, 2)


@pytest.mark.parametrize("value", ["0", "-3", "2.5", "many"])
@pytest.mark.parametrize("option", ["--rows", "--batch", "--micro-batch", "--threads", "--repeat"])
def test_counts_are_whole_and_positive(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        read_options(["--data", "a", option, value])
    assert stopped.value.code == 2
    assert f"'{value}' given, expected a whole number of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "one of the arguments --case --all --data is required"),
        ("--data a --row 3", "unrecognized arguments: --row 3"),
        ("--case other", "invalid choice: 'other'"),
        ("--all --peers trl,axolotl", "'axolotl' given, expected trl, llamafactory, or none"),
        ("--all --peers none --peers-only", "leave nothing to measure"),
        ("--data a --micro-batch 3", "--micro-batch 3 given, expected a divisor of the batch, 8"),
    ],
)
def test_a_command_that_cannot_be_used(
    line: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        read_options(line.split())
    assert stopped.value.code == 2
    assert text in capsys.readouterr().err
