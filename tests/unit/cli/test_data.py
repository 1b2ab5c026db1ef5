import json
import typing

import pytest

from tunery.cli import reading
from tunery.config.data import FormatName
from tunery.testing.tiny_models import save_tiny_model

GOOD = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}


def write(folder, *rows, name="rows.jsonl"):
    file = folder / name
    file.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return file


def good(number):
    return {"messages": [{"role": "user", "content": f"q {number}"}, GOOD["messages"][1]]}


def many():
    return [good(number) for number in range(20)]


def test_a_good_file(run, tmp_path):
    file = write(tmp_path, good(1), good(2))

    out = run("data", "check", file).stdout

    assert out.splitlines()[0].startswith(f"{file}: format chat (")
    assert out.splitlines()[-1] == "2 rows in the file = 2 rows used + 0 rows listed as errors"


def test_findings_are_listed_and_the_sum_is_shown(run, tmp_path):
    file = write(tmp_path, good(1), "{nonsense", good(1), {"messages": []}, good(2))

    out = run("data", "check", file, expect=2).stdout

    rows = [line.split()[:3] for line in out.splitlines()[2:-1]]
    assert rows == [
        ["file", "warning", "data.too_few_rows"],
        ["2", "error", "json.invalid"],
        ["3", "warning", "row.duplicate"],
        ["4", "error", "chat.no_messages"],
    ]
    assert "Remove one of them, unless it is meant to count twice." in out
    assert out.splitlines()[-1] == "5 rows in the file = 3 rows used + 2 rows listed as errors"


def test_warnings_alone_end_with_0(run, tmp_path):
    run("data", "check", write(tmp_path, good(1), good(1)))


def test_one_row_is_one_row(run, tmp_path):
    out = run("data", "check", write(tmp_path, good(1))).stdout

    assert out.endswith("1 row in the file = 1 row used + 0 rows listed as errors\n")


def test_many_findings_are_counted(run, tmp_path):
    file = write(tmp_path, *["{nonsense"] * 60, *[GOOD] * 3)

    result = run("data", "check", file, expect=2)

    assert result.stdout.count("json.invalid") == 50  # 49 rows, and the count
    assert "first 50 of 63 findings; `--json` lists all" in result.stderr
    counts = [line.split() for line in result.stdout.splitlines()]
    assert ["error", "json.invalid", "60"] in counts
    assert ["warning", "row.duplicate", "2"] in counts


def test_json_lists_every_finding(run_json, tmp_path):
    file = write(tmp_path, *["{nonsense"] * 60, good(1))

    document = run_json("data", "check", file, expect=2)

    assert (document["rows"], document["used"], document["left_out"]) == (61, 1, 60)
    assert len(document["findings"]) == 61
    assert document["findings"][1]["line"] == 1
    assert document["findings"][1]["fix"]
    assert document["format"] == "chat"


def test_csv_columns(run_json, tmp_path):
    file = write(tmp_path, "q,completion,who", "hi,hello,x", name="rows.csv")

    document = run_json("data", "check", file, "--prompt-column", "q", "--system-column", "who")

    assert document["used"] == 1
    assert '"who"' in document["format_reason"]


def test_missing_column(run, tmp_path):
    file = write(tmp_path, "question,completion", "hi,hello", name="rows.csv")

    result = run("data", "check", file, "--completion-column", "answer", expect=2)

    assert 'has no column "answer"' in result.stderr


def test_format_and_system_prompt(run_json, tmp_path):
    file = write(tmp_path, {"prompt": "a", "completion": "b"}, name="rows.txt")

    document = run_json(
        "data", "check", file, "--format", "prompt_completion", "--system", "Be kind."
    )

    assert (document["format"], document["format_reason"]) == ("prompt_completion", "as given")


def test_unusable_files_end_with_2(run, tmp_path):
    assert "expected at least one" in run("data", "check", write(tmp_path), expect=2).stderr
    assert "gone.jsonl" in run("data", "check", tmp_path / "gone.jsonl", expect=2).stderr


def test_an_unusable_file_is_a_finding_for_programs(run_json, tmp_path):
    document = run_json("data", "check", write(tmp_path), expect=2)

    assert (document["verdict"], document["rows"], document["used"]) == ("errors", 0, 0)
    (finding,) = document["findings"]
    assert (finding["code"], finding["severity"], finding["line"]) == ("file.unusable", "error", 0)
    assert "expected at least one" in finding["message"]
    assert finding["fix"]


@pytest.mark.parametrize(
    ("rows", "verdict", "code"),
    [(many(), "ok", 0), ([good(1), good(1)], "warnings", 0), ([{"messages": []}], "errors", 2)],
)
def test_the_verdict_decides_the_exit_code(run_json, tmp_path, rows, verdict, code):
    file = write(tmp_path, *rows)

    document = run_json("data", "check", file, expect=code)

    assert document["verdict"] == verdict


def test_a_sample_says_what_it_tells_of_the_file(run, run_json, tmp_path):
    file = write(tmp_path, *(good(n) for n in range(90)), *["{"] * 10)

    out = run("data", "check", file, "--sample", 50, expect=2).stdout
    document = run_json("data", "check", file, "--sample", 50, expect=2)

    assert "A sample of 50 of 100 rows: between " in out
    assert "50 rows in the sample = " in out
    assert (document["rows"], document["looked_at"]) == (100, 50)


def test_text_of_the_file_cannot_write_to_the_terminal(run, tmp_path):
    file = write(tmp_path, good(1) | {"\x1b[2J[red]": 1})

    out = run("data", "check", file).stdout

    assert "\x1b" not in out
    assert "[red]" in out


def test_formats_are_those_of_the_configuration():
    offered = typing.get_args(reading.FormatOption)[0]

    assert typing.get_args(offered) == typing.get_args(FormatName)


@pytest.mark.parametrize(
    ("named", "columns"),
    [
        ((None, None, None), None),
        (("q", None, None), ("q", None, None)),
        ((None, "a", "s"), (None, "a", "s")),
    ],
)
def test_columns_that_were_named_make_a_mapping(named, columns):
    found = reading.column_mapping(*named)

    assert (found and (found.prompt, found.completion, found.system)) == columns


def test_what_is_safe_to_repair_is_repaired(run, run_json, tmp_path):
    turns = good(1)["messages"]
    file = write(
        tmp_path,
        {"messages": json.dumps(turns)},
        {"messages": [{"role": "human", "content": "a"}, {"role": "gpt", "content": "b"}]},
        good(2),
        good(2),
        "",
        "{nonsense",
    )
    out = tmp_path / "fixed.jsonl"

    notes = run("data", "check", file, "--fix", out, expect=2).stderr

    assert "decoded messages that were turned into JSON twice (1 row)" in notes
    assert "left out a blank line (1 row)" in notes
    assert "left out a row that says the same as an earlier one (1 row)" in notes
    assert f"{out}: 4 rows of 5, 2 repaired; 1 still have an error" in notes
    lines = out.read_text().splitlines()
    assert [json.loads(line) for line in lines[:3]] == [
        {"messages": turns},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        good(2),
    ]
    assert lines[3] == "{nonsense"
    again = tmp_path / "again.jsonl"
    run("data", "check", out, "--fix", again, expect=2)
    assert again.read_bytes() == out.read_bytes()
    codes = {finding["code"] for finding in run_json("data", "check", out, expect=2)["findings"]}
    assert codes == {"data.too_few_rows", "json.invalid"}


def test_a_row_with_a_fault_that_no_format_sees_still_has_it(run, tmp_path):
    call = {"type": "function", "function": {"name": "find", "arguments": "{}"}}
    turns = [GOOD["messages"][0], {"role": "assistant", "tool_calls": [call]}]
    tool = {"type": "function", "function": {"name": "seek"}}
    file = tmp_path / "rows.jsonl"
    file.write_bytes(json.dumps({"messages": turns, "tools": [tool]}).encode() + b"\r\n")

    notes = run("data", "check", file, "--fix", tmp_path / "out.jsonl", expect=2).stderr

    assert "1 row of 1, 0 repaired; 1 still have an error" in notes
    assert "wrote a line feed for a Windows line end (1 row)" in notes


def test_a_repaired_copy_replaces_nothing_unasked(run, tmp_path):
    file = write(tmp_path, good(1))
    assert "already there" in run("data", "check", file, "--fix", file, expect=2).stderr
    assert "already there" in run("data", "check", file, "--fix", file, "--force", expect=2).stderr
    table = write(tmp_path, "prompt,completion", "a,b", name="rows.csv")
    told = run("data", "check", table, "--fix", tmp_path / "out.jsonl", expect=2).stderr
    assert "tunery data convert" in told
    assert "no/such" in run("data", "check", file, "--fix", "no/such/out.jsonl", expect=2).stderr


def test_secrets_and_personal_data_are_masked(run, tmp_path):
    key = "sk-proj-" + "a1B2" * 8
    file = write(tmp_path, {"prompt": f"Mail ada@lovelace.org my key {key}", "completion": "Done."})
    out = tmp_path / "masked.jsonl"

    result = run("data", "check", file, "--redact", out)

    assert "privacy.secret" in result.stdout
    assert key not in result.stdout + result.stderr + out.read_text()
    assert "[EMAIL_1]" in out.read_text()
    assert f"{out}: 1 row of 1; 0 could not be" in result.stderr


def test_rows_that_a_target_cannot_hold_are_listed(run, tmp_path):
    file = write(tmp_path, {"prompt": "a", "completion": "b", "label": True})

    told = run(
        "data", "convert", file, tmp_path / "out.jsonl", "--to", "openai", "--json", expect=2
    )

    assert [finding["code"] for finding in json.loads(told.stdout)["findings"]] == [
        "convert.not_held"
    ]


def test_rows_that_training_and_test_share_are_told(run, run_json, tmp_path):
    train = write(tmp_path, *many())
    other = {"messages": [good(4)["messages"][0], {"role": "assistant", "content": "c"}]}
    test = write(tmp_path, good(3), good(99), other, name="test.jsonl")

    document = run_json("data", "check", train, "--held-out", test)
    out = run("data", "check", train, "--held-out", test).stdout

    told = [(f["file"], f["line"], f["code"]) for f in document["findings"]]
    assert told == [(str(test), 1, "leak.row"), (str(test), 3, "leak.prompt")]
    assert f"{test}:1" in out


def test_a_model_tells_what_does_not_fit(run_json, tmp_path, monkeypatch):
    model = save_tiny_model(tmp_path / "model", max_position_embeddings=64)
    long = {"messages": [{"role": "user", "content": "a" * 60}, GOOD["messages"][1]]}
    silent = {"messages": [GOOD["messages"][0], {**GOOD["messages"][1], "weight": 0}]}
    file = write(tmp_path, *many(), long, silent)
    monkeypatch.setenv("TUNERY_HOME", str(tmp_path / "home"))

    document = run_json("data", "check", file, "--model", model, expect=2)

    found = {f["line"]: f for f in document["findings"] if f["severity"] == "error"}
    assert {line: f["code"] for line, f in found.items()} == {
        21: "row.too_long",
        22: "row.nothing_trained",
    }
    assert "Cut there, it would lose 2 of its 2 trained tokens" in found[21]["message"]
    assert (document["rows"], document["used"]) == (22, 20)
