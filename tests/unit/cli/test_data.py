import json
import typing

import pytest

from tunery.cli import reading
from tunery.config.data import FormatName

GOOD = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}


def write(folder, *rows, name="rows.jsonl"):
    file = folder / name
    file.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return file


def good(number):
    return {"messages": [{"role": "user", "content": f"q {number}"}, GOOD["messages"][1]]}


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

    assert result.stdout.count("json.invalid") == 51  # 50 rows, and the count
    assert "first 50 of 62 findings; `--json` lists all" in result.stderr
    counts = [line.split() for line in result.stdout.splitlines()]
    assert ["error", "json.invalid", "60"] in counts
    assert ["warning", "row.duplicate", "2"] in counts


def test_json_lists_every_finding(run_json, tmp_path):
    file = write(tmp_path, *["{nonsense"] * 60, good(1))

    document = run_json("data", "check", file, expect=2)

    assert (document["rows"], document["used"], document["left_out"]) == (61, 1, 60)
    assert len(document["findings"]) == 60
    assert document["findings"][0]["line"] == 1
    assert document["findings"][0]["fix"]
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
    [([good(1), good(2)], "ok", 0), ([good(1), good(1)], "warnings", 0), ([{}], "errors", 2)],
)
def test_the_verdict_decides_the_exit_code(run_json, tmp_path, rows, verdict, code):
    file = write(tmp_path, *rows)

    document = run_json("data", "check", file, "--format", "chat", expect=code)

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
