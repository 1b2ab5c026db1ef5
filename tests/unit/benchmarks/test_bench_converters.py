import json
from pathlib import Path

import pytest
from benchmarks.train_vs_peers.converters import read_alpaca, read_tool_calls

from tunery.errors import DataError, NotFoundError


def test_tools_go_into_the_system_prompt_and_calls_into_the_answer(tmp_path: Path) -> None:
    tool = {"name": "land", "parameters": {"type": "object"}}
    call = {"function": {"name": "land", "arguments": '{"at": "höme"}'}}
    row = {
        "messages": [
            {"role": "system", "content": "You fly {x}."},
            {"role": "user", "content": "down"},
            {"role": "assistant", "tool_calls": [call]},
        ],
        "tools": [{"type": "function", "function": tool}],
    }
    path = tmp_path / "tools.jsonl"
    path.write_text(json.dumps(row) + "\n\n", "utf-8")
    (found,) = read_tool_calls(path)
    system, asked, answer = found["messages"]
    assert system["content"].startswith("You fly {x}.\n")
    assert f"<tools>\n{json.dumps(tool)}\n</tools>" in system["content"]
    assert asked == {"role": "user", "content": "down"}
    text = '<tool_call>{"name": "land", "arguments": {"at": "höme"}}</tool_call>'
    assert answer == {"role": "assistant", "content": text}


def test_alpaca_keys_become_turns(tmp_path: Path) -> None:
    path = tmp_path / "alpaca.json"
    items = [{"instruction": "i", "input": "x", "output": "o"}, {"instruction": "j", "output": "p"}]
    path.write_text(json.dumps(items))
    asked = [row["messages"][0]["content"] for row in read_alpaca(path)]
    answers = [row["messages"][1]["content"] for row in read_alpaca(path)]
    assert (asked, answers) == (["i\n\nx", "j"], ["o", "p"])


@pytest.mark.parametrize(("text", "place"), [("{", "the file"), ('[{"input": "x"}]', "item 1")])
def test_what_is_no_alpaca_file(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "alpaca.json"
    path.write_text(text)
    with pytest.raises(DataError, match=f"{place}: not a row"):
        read_alpaca(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"messages": [], "tools": []}', '{"messages": 1}'])
def test_what_is_no_row_with_tools(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tools.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match="line 1: not a row"):
        read_tool_calls(path)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="absent"):
        read_tool_calls(tmp_path / "absent")
