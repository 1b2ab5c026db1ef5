import json
from pathlib import Path
from typing import Any

import pytest

from tunery.data.convert.container import GROUP_ROWS
from tunery.data.convert.run import Converted, convert
from tunery.data.file import understand
from tunery.data.sources.csv_table import MAX_CELL_CHARACTERS
from tunery.errors import DataError

USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "in.jsonl"
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return path


def run(folder: Path, target: Any, *rows: Any, out: str = "out.jsonl") -> Converted:
    return convert(understand(write(folder, *rows)), folder / out, target)


def chat(*messages: Any, **keys: Any) -> dict[str, Any]:
    return {"messages": list(messages), **keys}


def lines(path: Path | None) -> list[Any]:
    assert path is not None
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_writes_alpaca_with_history(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be kind."}
    done = run(tmp_path, "alpaca", chat(system, USER, ANSWER, USER, ANSWER))
    assert lines(done.out) == [
        {
            "instruction": "Hi",
            "input": "",
            "output": "Hello",
            "system": "Be kind.",
            "history": [["Hi", "Hello"]],
        }
    ]


def test_writes_preferences_as_alpaca_rows(tmp_path: Path) -> None:
    row = {"system": "Be kind.", "prompt": "Hi", "chosen": "Hello", "rejected": "What?"}
    [written] = lines(run(tmp_path, "alpaca", row).out)
    rest = {"system": "Be kind.", "chosen": "Hello", "rejected": "What?"}
    assert written == {"instruction": "Hi", "input": "", **rest}


def test_writes_calls_as_sharegpt_and_trl_have_them(tmp_path: Path) -> None:
    call = {"role": "assistant", "tool_calls": [CALL]}
    row = chat(USER, call, {"role": "tool", "tool_call_id": "c1", "content": "3"}, ANSWER)
    [written] = lines(run(tmp_path, "sharegpt", row).out)
    assert [turn["from"] for turn in written["conversations"]] == [
        "human",
        "function_call",
        "observation",
        "gpt",
    ]
    value = json.loads(written["conversations"][1]["value"])
    assert value == {"name": "f", "arguments": {"a": 1}, "id": "c1"}
    [written] = lines(run(tmp_path, "trl", row, out="trl.jsonl").out)
    assert written["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"a": 1}


@pytest.mark.parametrize(
    ("target", "row", "told"),
    [
        ("alpaca", chat(USER, ANSWER, tools=[{"name": "f"}]), "no tools"),
        ("alpaca", chat(USER, {"role": "assistant", "tool_calls": [CALL]}), "no calls"),
        ("alpaca", chat({**USER, "name": "Ada"}, ANSWER), "no names"),
        ("alpaca", chat(USER, {**ANSWER, "weight": 0}), "no weights"),
        ("alpaca", chat({"role": "developer", "content": "a"}, USER, ANSWER), "no developer"),
        ("alpaca", chat(USER, USER, ANSWER), "follow each other"),
        ("alpaca", chat(USER, ANSWER, USER), "does not end with an answer"),
        ("alpaca", chat(USER, {"role": "system", "content": "a"}, ANSWER), "one system prompt"),
        ("alpaca", chat({"role": "user", "content": ""}, ANSWER), "something else"),
        ("sharegpt", chat({"role": "developer", "content": "a"}, USER, ANSWER), "no developer"),
        ("sharegpt", chat(USER, {**ANSWER, "tool_calls": [CALL]}), "a text and calls"),
        ("trl", chat(USER, {**ANSWER, "weight": 0}), "no weights"),
        ("sharegpt", {"text": "a"}, "this is a text row"),
        ("openai", {"text": "a"}, "this is a text row"),
        ("parquet", {**chat(USER), "gold": "x"}, "this is a reinforcement row"),
        ("openai", {"chosen": "a", "rejected": "b"}, "there is no prompt"),
        ("alpaca", {"chosen": "a", "rejected": "b"}, "one turn of the user's"),
        ("openai", chat({**USER, "content": "\ud83d"}, ANSWER), "half a character"),
        (
            "alpaca",
            {"prompt": "a", "chosen": [ANSWER, USER, ANSWER], "rejected": "b"},
            "several turns",
        ),
    ],
)
def test_lists_what_a_target_cannot_hold(tmp_path: Path, target: Any, row: Any, told: str) -> None:
    out = "out.parquet" if target == "parquet" else "out.jsonl"
    done = run(tmp_path, target, row, out=out)
    assert (done.out, done.total, done.written, done.listed) == (None, 1, 0, 1)
    [error] = [f for f in done.findings if f.severity == "error"]
    assert (error.code, error.line) == ("convert.not_held", 1)
    assert told in error.message
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_lists_rows_that_cannot_be_read_and_keys_that_are_not_kept(tmp_path: Path) -> None:
    good = chat(USER, ANSWER, id=1)
    done = run(tmp_path, "openai", good, "{nonsense", chat(), good)
    assert (done.total, done.written, done.listed) == (4, 2, 2)
    assert [(f.code, f.line) for f in done.findings] == [
        ("chat.unknown_key", 0),
        ("json.invalid", 2),
        ("chat.no_messages", 3),
    ]
    assert "(2 rows)" in done.findings[0].message
    assert len(lines(done.out)) == 2


def test_a_table_holds_texts_only(tmp_path: Path) -> None:
    row = chat(USER, ANSWER, USER, ANSWER)
    done = run(tmp_path, "alpaca", chat(USER, ANSWER), row, out="out.csv")
    assert (done.written, done.listed) == (1, 1)
    assert "history is none" in done.findings[0].message
    assert run(tmp_path, "openai", row, out="two.csv").out is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\0", "a zero byte"),
        ("\ufeff", "a blank line"),
        ("a" * (MAX_CELL_CHARACTERS + 1), "longer than 16,777,216"),
    ],
)
def test_a_table_lists_texts_that_its_reader_refuses(tmp_path: Path, text: str, told: str) -> None:
    done = run(tmp_path, "trl", {"text": "b"}, {"text": text}, {"text": "c"}, out="out.csv")
    assert [(f.line, told in f.message) for f in done.findings] == [(2, True)]
    assert done.out is not None
    assert len(list(understand(done.out).rows())) == done.written == 2


def test_an_array_is_one_json_document(tmp_path: Path) -> None:
    done = run(tmp_path, "openai", chat(USER, ANSWER), chat(USER, ANSWER), out="out.json")
    assert done.out is not None
    assert json.loads(done.out.read_text()) == [chat(USER, ANSWER)] * 2


def test_parquet_is_written_in_groups(tmp_path: Path) -> None:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    rows = [{"text": f"{n}"} for n in range(GROUP_ROWS + 1)]
    done = run(tmp_path, "parquet", *rows, out="out.parquet")
    assert pq.read_table(done.out).to_pylist() == rows


@pytest.mark.parametrize(
    ("target", "out", "told"),
    [
        ("openai", "out.xlsx", "expected one of .jsonl"),
        ("openai", "out.parquet", "--to openai has none"),
        ("parquet", "out.jsonl", "expected .parquet"),
        ("openai", "gone/out.jsonl", "no folder"),
        ("openai", "in.jsonl", "already there"),
    ],
)
def test_refuses_files_that_it_cannot_write(
    tmp_path: Path, target: Any, out: str, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        run(tmp_path, target, chat(USER, ANSWER), out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_file_can_replace_itself_if_told_to(tmp_path: Path) -> None:
    path = write(tmp_path, chat(USER, ANSWER))
    convert(understand(path), path, "alpaca", force=True)
    assert understand(path).format == "alpaca"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no rows"):
        run(tmp_path, "openai")
