import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunery.config.data import ColumnMapping
from tunery.data.conversation import Message
from tunery.data.read import ReadResult, read_conversations
from tunery.errors import DataError, NotFoundError


def chat(*texts: str, **keys: Any) -> str:
    roles = ["user", "assistant"] * len(texts)
    turns = [{"role": r, "content": t} for r, t in zip(roles, texts, strict=False)]
    return json.dumps({"messages": turns, **keys})


def write(folder: Path, content: str | bytes, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def codes(result: ReadResult) -> list[tuple[int, str]]:
    return [(finding.line, finding.code) for finding in result.findings]


def test_rows_know_where_they_come_from(tmp_path: Path) -> None:
    path = write(tmp_path, f"{chat('a', 'b')}\n\nnonsense\n{chat('c', 'd')}\n")
    result = read_conversations(path)
    assert [(row.file, row.line, row.answer) for row in result.rows] == [
        (str(path), 1, "b"),
        (str(path), 4, "d"),
    ]
    assert (result.total, result.left_out, result.format) == (3, 1, "chat")
    assert codes(result) == [(3, "json.invalid")]
    assert result.findings[0].file == str(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + chat("a", "é").encode() + b"\n",
        chat("a", "é").encode() + b"\r\n\r\n",
        chat("a", "é").encode(),
    ],
)
def test_takes_marks_and_line_ends_of_other_systems(tmp_path: Path, content: bytes) -> None:
    result = read_conversations(str(write(tmp_path, content)))
    assert (result.findings, result.total) == ((), 1)
    assert result.rows[0].answer == "é"


def test_lists_the_lines_that_are_not_utf8(tmp_path: Path) -> None:
    bad = '{"messages": [{"role": "user", "content": "“café”"}]}'.encode("cp1252")
    good = chat("a", "ü").encode()
    result = read_conversations(write(tmp_path, b"\n".join([good, bad, good[:-1] + b"}\x00"])))
    assert codes(result)[0] == (2, "file.not_utf8")
    assert "byte 0x93" in result.findings[0].message
    assert (result.total, len(result.rows)) == (3, 1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_takes_text_of_two_or_four_bytes_a_character(tmp_path: Path, encoding: str) -> None:
    result = read_conversations(write(tmp_path, chat("a", "ü🚪").encode(encoding)))
    assert [row.answer for row in result.rows] == ["ü🚪"]
    assert "UTF-" in result.format_reason


def test_a_missing_file_is_told_with_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, chat("a", "b"), "train.jsonl")
    with pytest.raises(NotFoundError, match="There is no file") as caught:
        read_conversations(tmp_path / "train1.jsonl")
    assert "train.jsonl?" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        read_conversations(tmp_path / "z")
    assert caught.value.hint == "Check the path."


@pytest.mark.parametrize("path", ["no/such/folder/a.jsonl", "rows.jsonl/a.jsonl"])
def test_a_missing_folder_is_told(tmp_path: Path, path: str) -> None:
    write(tmp_path, chat("a", "b"))
    with pytest.raises(NotFoundError, match="There is no file") as caught:
        read_conversations(tmp_path / path)
    assert "cannot be listed" in caught.value.hint


def test_refuses_what_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no data files"):
        read_conversations(tmp_path)
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(DataError, match="not an ordinary file"):
        read_conversations(tmp_path / "pipe.jsonl")


@contextmanager
def ordinary_account() -> Iterator[None]:
    """Rights do not bind root, so root gives itself up for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, chat("a", "b"))
    path.chmod(0)
    with ordinary_account(), pytest.raises(DataError, match="Permission denied") as caught:
        read_conversations(path)
    assert "account" in caught.value.hint


@pytest.mark.parametrize("content", ["", "\n \r\n\n", "\ufeff", "\ufeff\n"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows"])
def test_refuses_a_file_without_rows(tmp_path: Path, content: str, name: str) -> None:
    with pytest.raises(DataError, match="holds no rows"):
        read_conversations(write(tmp_path, content, name))


def test_refuses_a_table_that_is_only_a_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no rows"):
        read_conversations(write(tmp_path, "prompt,completion\n", "rows.csv"))


def test_takes_a_json_array(tmp_path: Path) -> None:
    text = json.dumps([json.loads(chat("a", "b")), json.loads(chat("c", "d")), 3], indent=2)
    result = read_conversations(write(tmp_path, text, "rows.json"))
    assert [(row.line, row.answer) for row in result.rows] == [(1, "b"), (2, "d")]
    assert codes(result) == [(3, "json.not_object")]


def test_default_system_prompt_goes_before_rows_that_have_none(tmp_path: Path) -> None:
    turns = [{"role": "developer", "content": "Mine."}, {"role": "assistant", "content": "b"}]
    own = json.dumps({"messages": turns})
    path = write(tmp_path, f"{chat('a', 'b')}\n{own}\n")
    first, second = read_conversations(path, system="Be kind.").rows
    assert first.messages[0] == Message("system", "Be kind.")
    assert [m.role for m in second.messages] == ["developer", "assistant"]


def test_columns_reach_the_table(tmp_path: Path) -> None:
    path = write(tmp_path, "q;a;s\nWhy?;So.;\nHow?;Thus.;Own.\n", "rows.csv")
    mapping = ColumnMapping(prompt="q", completion="a", system="s")
    result = read_conversations(path, columns=mapping, system="Default.")
    assert [[m.content for m in row.messages] for row in result.rows] == [
        ["Default.", "Why?", "So."],
        ["Own.", "How?", "Thus."],
    ]
    assert result.format == "prompt_completion"
    assert '"q" is the prompt, "a" is the completion' in result.format_reason


def test_keys_of_objects_are_mapped_like_columns(tmp_path: Path) -> None:
    path = write(tmp_path, '{"q": "Why?", "completion": "So.", "id": 3}\n')
    result = read_conversations(path, columns=ColumnMapping(prompt="q"))
    assert [m.content for m in result.rows[0].messages] == ["Why?", "So."]
    assert result.findings == ()


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_a_column_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    text = "question,answer\n1,2\n" if name == "rows.csv" else '{"question": "1", "answer": "2"}'
    with pytest.raises(DataError, match='no column "Questions"; its columns are') as caught:
        read_conversations(write(tmp_path, text, name), columns=ColumnMapping(prompt="Questions"))
    assert caught.value.hint == 'Did you mean "question"?'


def test_a_duplicate_names_the_earlier_line_and_is_used(tmp_path: Path) -> None:
    again = chat("a", "b").replace('"b"', '"b", "weight": 1')
    path = write(tmp_path, "\n".join([chat("a", "b"), chat("a", "c"), again, chat("a", "b")]))
    result = read_conversations(path)
    twins = [finding for finding in result.findings if finding.code == "row.duplicate"]
    assert [finding.line for finding in twins] == [3, 4]
    assert all(f.message.endswith("as line 1") for f in twins)
    assert len(result.rows) == 4


def test_unused_keys_are_told_once_a_file(tmp_path: Path) -> None:
    lines = [chat("a", "b"), chat("c", "d", id=1), chat("e", "f", id=2, note="x")]
    result = read_conversations(write(tmp_path, "\n".join(lines)))
    assert codes(result) == [(2, "chat.unknown_key"), (3, "chat.unknown_key")]
    assert "(in 2 rows, this is the first)" in result.findings[0].message
    assert "(in 1 row)" in result.findings[1].message


def test_placeholders_in_learned_turns_are_told_once(tmp_path: Path) -> None:
    lines = [chat("{{ user }}", "I am {{name}}, {{name}}."), chat("b", "Hi, {{name}} {not} {{1}}")]
    result = read_conversations(write(tmp_path, "\n".join(lines)))
    assert codes(result) == [(1, "text.placeholder")]
    assert '"{{name}}"' in result.findings[0].message
    assert "in 2 rows" in result.findings[0].message


@pytest.mark.parametrize("half", ["\\ud83d", "\\udc80", "\\ude00 \\ud83d"])
def test_half_characters_are_listed(tmp_path: Path, half: str) -> None:
    path = write(tmp_path, '{"prompt": "a", "completion": "b ' + half + '"}')
    result = read_conversations(path)
    assert codes(result) == [(1, "text.half_character")]
    assert "assistant turn" in result.findings[0].message
    result.findings[0].message.encode()


def test_an_emoji_written_as_two_halves_is_one_character(tmp_path: Path) -> None:
    path = write(tmp_path, '{"prompt": "a", "completion": "\\ud83d\\ude00"}')
    assert read_conversations(path).rows[0].answer == "😀"


def test_an_asked_for_format_is_kept(tmp_path: Path) -> None:
    result = read_conversations(write(tmp_path, chat("a", "b")), format="prompt_completion")
    assert (result.format, result.format_reason) == ("prompt_completion", "as given")
    assert codes(result) == [(1, "pair.missing_key")] * 2


# Every row of any file is used or listed.

KEYS = st.sampled_from(["messages", "role", "content", "weight", "prompt", "completion", "tools"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["user", "assistant", "system", "tool", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "tool", "bot"]), "content": JSON},
    optional={"weight": st.sampled_from([0, 1, 2, None])},
)
ROW = st.one_of(
    JSON,
    st.fixed_dictionaries({"messages": st.lists(MESSAGE, max_size=3)}),
    st.fixed_dictionaries({"prompt": st.text(max_size=3), "completion": st.text(max_size=3)}),
)
LINE = st.one_of(
    ROW.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"", b" \t", b"\xef\xbb\xbf", b"[", b'{"messages": [', chat("a", "b").encode()]
    ),
    st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")),
)
UNHURRIED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def is_accounted_for(result: ReadResult) -> bool:
    with_error = [f.line for f in result.findings if f.severity == "error"]
    used = [row.line for row in result.rows]
    assert set(used).isdisjoint(with_error)
    assert all(f.message and f.hint and (f.message + f.hint).encode() for f in result.findings)
    return result.total == len(used) + len(set(with_error)) == len({*used, *with_error})


@UNHURRIED
@given(
    lines=st.lists(LINE, max_size=6),
    end=st.sampled_from([b"\n", b"\r\n"]),
    format=st.sampled_from(["auto", "chat", "prompt_completion"]),
)
def test_each_json_row_is_used_or_listed(
    tmp_path: Path, lines: list[bytes], end: bytes, format: Any
) -> None:
    path = write(tmp_path, end.join(lines))
    marks = b" \t\r\n\f\v"
    filled = [line for line in lines if line.replace(b"\xef\xbb\xbf", b"").strip(marks)]
    try:
        result = read_conversations(path, format=format)
    except DataError as error:
        refusal = error
    else:
        assert is_accounted_for(result)
        as_they_stand = not any(kind in result.format_reason for kind in ("counts rows", "UTF-"))
        assert result.total == len(filled) or not as_they_stand
        return
    as_a_whole = ("no rows", "first rows of", "cannot be read", "; expected")
    assert any(reason in refusal.message for reason in as_a_whole)
    assert refusal.hint


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@UNHURRIED
@given(table=st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=1, max_size=6))
def test_each_table_row_is_used_or_listed(tmp_path: Path, table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["prompt", "completion", "id"], *table])
    result = read_conversations(write(tmp_path, text.getvalue(), "rows.csv"))
    assert is_accounted_for(result)
    assert result.total == len(table)
    assert len(result.rows) == sum(len(row) == 3 and bool(row[1].strip()) for row in table)


@UNHURRIED
@given(body=st.binary(max_size=60))
def test_any_bytes_below_a_header_are_used_or_listed(tmp_path: Path, body: bytes) -> None:
    path = write(tmp_path, b"prompt,completion\nWhy?,So.\n" + body, "rows.csv")
    assert is_accounted_for(read_conversations(path))
