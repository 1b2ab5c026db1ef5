"""`tunery data cost`, on a tiny model's folder."""

import json

import pytest

from tunery.cli.cost import WARNING, _dollars, _duration, _here
from tunery.data.cost import MachineCost
from tunery.pipelines.cost import LocalCost
from tunery.testing.tiny_models import save_tiny_model
from tunery.train.forecast import Forecast

OWN = """\
ours/small:
  model: ours
  training: 1000000
  base: {input: 2, output: 2}
  tuned: {input: 1, output: 1}
  hosting_per_hour: 1
  longest_row: 10
  as_of: 2026-11-01
  source: our contract
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def file(tmp_path):
    messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"messages": messages}) + "\n")
    return path


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    return path


def test_tables_for_people_with_dates_and_a_warning(run, file, model):
    result = run("data", "cost", file, "--model", model, "--watts", 100, "--price-per-kwh", 0.3)

    assert "1 of 1" in result.stdout
    assert "GFLOP/s, the best of three tries" in result.stdout
    line = next(s for s in result.stdout.splitlines() if s.startswith("openai/gpt-4.1-mini "))
    assert "5 a million" in line
    assert "2026-07-30, https://developers.openai.com" in line
    assert "Break-even" not in result.stdout
    assert WARNING in result.stderr
    assert "openai/gpt-4.1, openai/gpt-4.1-mini: the tuned model no longer" in result.stderr


def test_break_even_and_own_prices(run, file, model, own):
    args = ("data", "cost", file, "-m", model, "--prompt-tokens-saved", 1000, "--prices", own)

    result = run(*args, "--requests-per-day", 100_000)

    assert "ours/small" in result.stdout
    row = [s for s in result.stdout.splitlines() if s.startswith("ours/small")][-1]
    assert " requests, " in row
    assert row.endswith(" days")
    assert "prices of requests: fireworks/up-to-16b" in result.stderr
    assert "ours/small: rows are cut at 10 tokens, 1 of these" in result.stderr
    assert "requests a day are needed" in run(*args).stdout


def test_a_table_in_the_home_folder_is_read(run, run_json, workspace, file, model, own):
    workspace.home.mkdir()
    (workspace.home / "prices.yaml").write_text("openai/gpt-4.1: null\n" + OWN)

    document = run_json("data", "cost", file, "-m", model, "--prices", own, "--epochs", 4)

    names = [cost["name"] for cost in document["hosted"]]
    assert "openai/gpt-4.1" not in names
    assert names[-1] == "ours/small"
    assert document["hosted"][-1]["entry"]["as_of"] == "2026-11-01"
    assert document["warning"] == WARNING
    assert document["here"]["fits"] is True
    assert document["tokens"]["all_epochs"] == 4 * document["tokens"]["epoch"]


def test_rows_that_cannot_be_trained_and_rows_too_long_are_told(run, file, model):
    text = file.read_text()
    file.write_text(text + "{nonsense\n" + text.replace('"Q"', json.dumps("long" * 200)))

    out = run("data", "cost", file, "-m", model).stdout

    assert "2 of 3; 1 cannot be trained, `tunery data check` says why" in out
    assert "1 rows longer than the model's context" in out


def test_a_model_of_unknown_shape(run, file, tmp_path, model):
    config = json.loads((model / "config.json").read_text()) | {"model_type": "granite"}
    other = tmp_path / "other"
    other.mkdir()
    for part in model.iterdir():
        (other / part.name).write_bytes(part.read_bytes())
    (other / "config.json").write_text(json.dumps(config))

    assert "not known: The model type is 'granite'" in run("data", "cost", file, "-m", other).stdout


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "9" * 5000, "²"])
def test_a_number_of_epochs_that_is_none(run, file, model, text):
    result = run("data", "cost", file, "-m", model, f"--epochs={text}", expect=2)
    assert "expected auto or a whole number" in result.stderr


@pytest.mark.parametrize(
    "option",
    ["--watts=nan", "--price-per-hour=inf", "--prompt-tokens-saved=inf", "--requests-per-day=0"],
)
def test_a_number_that_is_none(run, file, model, option):
    args = () if "saved" in option else ("--prompt-tokens-saved", 1)
    result = run("data", "cost", file, "-m", model, *args, option, expect=2)
    assert "unexpected" not in result.stderr


def test_a_wrong_price_table(run, file, model, own):
    own.write_text(OWN.replace("training:", "trainin:"))
    result = run("data", "cost", file, "-m", model, "--prices", own, expect=2)
    assert f"{own}:3: ours/small: trainin is not a key" in result.stderr


def test_amounts_and_times_are_short():
    assert [_dollars(a) for a in (0, 0.001234, 0.5, 1234.5)] == [
        *("$0.00", "$0.0012", "$0.50", "$1,234.50")
    ]
    assert [_duration(s) for s in (12, 3000, 9000)] == ["12 s", "50 min", "2.5 h"]


@pytest.mark.parametrize(
    ("peak", "recompute", "told"),
    [
        (3 * 2**30, False, "too little"),
        (2**30, True, "computed again"),
        (2**30, False, "available"),
    ],
)
def test_memory_that_does_not_suffice_is_told(peak, recompute, told):
    plan = Forecast(1, 1, 1.0, 1.0, peak, 2 * 2**30, recompute)
    local = LocalCost("this machine", 1, 0, plan, "", MachineCost(0.0, 0.0, 0.0))

    facts = dict(_here(local))

    assert told in facts["memory"]
    assert facts["price"].startswith("not known; give --price-per-hour")
