"""Files are split, mixed and freed of duplicates, and every line keeps its bytes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.findings import Place
from tunery.data.read import read_conversations
from tunery.data.shape.files import SplitPlan, dedupe_file, mix_files, split_file
from tunery.data.shape.lines import index_rows, new_file
from tunery.data.shape.source import read_source, source_of, values_of
from tunery.errors import DataError, NotFoundError, UserError


def chat(question, answer="yes", **keys):
    turns = [("user", question), ("assistant", answer)]
    return json.dumps({"messages": [{"role": r, "content": c} for r, c in turns], **keys})


@pytest.fixture
def write(tmp_path):
    def make(*lines, name="rows.jsonl", end="\n"):
        file = tmp_path / name
        file.write_bytes("".join(line + end for line in lines).encode("utf-8", "surrogateescape"))
        return file

    return make


def lines_of(*files):
    return [line for file in files for line in file.read_bytes().splitlines(keepends=True)]


ODD = [
    "  " + chat("a") + " \t",
    '{"messages" : [ {"role":"user","content":"b"},{"content":"y","role":"assistant"} ] }',
    chat("c", "\u00e9\U0001f600"),
    chat("d", extra=1.50),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\r\n \t\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_split_keeps_the_bytes_of_each_line(write, tmp_path, end, mark):
    file = write(mark + ODD[0], *ODD[1:], end=end)
    result = split_file(file, tmp_path / "out", SplitPlan([2, 1, 1]))
    written = lines_of(*(part.file for part in result.parts))
    newline = "\r\n" if end.startswith("\r") else "\n"
    assert sorted(written) == sorted((line + newline).encode() for line in ODD)


def test_a_last_line_without_an_end_gets_one(write, tmp_path):
    file = write(*ODD)
    file.write_bytes(file.read_bytes().rstrip())
    out = tmp_path / "out.jsonl"
    dedupe_file(file, out)
    assert out.read_bytes() == file.read_bytes() + b"\n"


ROWS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz")), min_size=8)


@settings(max_examples=25)
@given(ROWS, st.integers(0, 3))
def test_the_union_of_the_parts_is_the_input(tmp_path_factory, rows, seed):
    folder = tmp_path_factory.mktemp("split")
    file = folder / "rows.jsonl"
    file.write_text("".join(chat(*row) + "\n" for row in rows))
    try:
        result = split_file(file, folder / "out", SplitPlan([6, 2, 2], seed))
    except DataError:
        return
    assert sorted(lines_of(*(p.file for p in result.parts))) == sorted(lines_of(file))
    prompts = [
        {json.loads(line)["messages"][0]["content"] for line in lines_of(part.file)}
        for part in result.parts
    ]
    assert sum(map(len, prompts)) == len(set.union(*prompts)) == result.groups


def test_sizes_are_told_and_a_share_of_0_writes_nothing(write, tmp_path):
    file = write(*(chat(f"q {n}") for n in range(10)))
    result = split_file(file, tmp_path / "out", SplitPlan([8, 0, 2], seed=1))
    assert [(p.name, p.rows, p.wanted) for p in result.parts] == [("train", 8, 8), ("test", 2, 2)]
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == ["test.jsonl", "train.jsonl"]


def test_rows_that_cannot_be_used_are_listed(write, tmp_path):
    file = write(chat("a"), "{bad,", chat("b"), '{"messages": []}', chat("c"))
    result = split_file(file, tmp_path / "out", SplitPlan([1, 1, 1]))
    assert [(f.line, f.code) for f in result.listed] == [
        (2, "json.invalid"),
        (4, "chat.no_messages"),
    ]
    assert result.total == 5 == sum(p.rows for p in result.parts) + len(result.listed)


def test_groups_by_a_key_or_its_metadata(write, tmp_path):
    file = write(
        *(chat(f"q {n}", user=n % 6) for n in range(12)),
        *(chat(f"m {n}", metadata={"user": n % 6}) for n in range(12)),
        chat("q 0"),
    )
    result = split_file(file, tmp_path / "out", SplitPlan([1, 1, 1], group_by="user"))
    users = []
    for part in result.parts:
        values = (json.loads(line) for line in lines_of(part.file))
        users.append({v.get("user", v.get("metadata", {}).get("user")) for v in values} - {None})
    assert sum(map(len, users)) == len(set.union(*users)) == 6
    assert (result.without_key, result.groups) == (1, 7)


def test_a_key_that_no_row_has(write, tmp_path):
    file = write(chat("a", user_id=1), chat("b"))
    with pytest.raises(DataError, match=r'No row of .* has "userid"') as error:
        split_file(file, tmp_path / "out", SplitPlan([1, 0, 1], group_by="userid"))
    assert error.value.hint == 'Did you mean "user_id"?'
    with pytest.raises(DataError) as far:
        values_of(read_source(file), "zzz")
    assert far.value.hint.startswith("Name a key")


def test_labels_of_each_part_are_told(write, tmp_path):
    file = write(*(chat(f"q {n}", "rare" if n % 5 == 0 else "usual") for n in range(50)))
    result = split_file(file, tmp_path / "out", SplitPlan([6, 2, 2], label=""))
    assert [p.labels for p in result.parts] == [
        {"rare": 6, "usual": 24},
        {"rare": 2, "usual": 8},
        {"rare": 2, "usual": 8},
    ]


def test_labels_by_a_key(write, tmp_path):
    file = write(*(chat(f"q {n}", f"a {n}", topic=n % 2) for n in range(20)))
    result = split_file(file, tmp_path / "out", SplitPlan([1, 0, 1], label="topic"))
    assert [p.labels for p in result.parts] == [{"0": 5, "1": 5}] * 2


def test_answers_that_all_differ_are_no_labels(write, tmp_path):
    file = write(*(chat(f"q {n}", f"a {n}") for n in range(20)))
    with pytest.raises(DataError, match="20 different answers in 20 rows"):
        split_file(file, tmp_path / "out", SplitPlan([1, 0, 1], label=""))


def test_a_limit_takes_a_sample_or_the_first_rows(write, tmp_path):
    file = write(*(chat(f"q {n}") for n in range(50)))
    first = split_file(file, tmp_path / "a", SplitPlan([1, 0, 1], limit=10, first=True))
    assert sorted(lines_of(*(p.file for p in first.parts))) == sorted(lines_of(file)[:10])
    some = split_file(file, tmp_path / "b", SplitPlan([1, 0, 1], limit=10))
    assert sum(p.rows for p in some.parts) == 10
    assert sorted(lines_of(*(p.file for p in some.parts))) != sorted(lines_of(file)[:10])
    assert first.not_taken == some.not_taken == 40


def test_two_shares_are_refused(write, tmp_path):
    with pytest.raises(DataError, match=r"2 share\(s\) were given"):
        split_file(write(chat("a")), tmp_path, SplitPlan([8, 2]))


TABLE = 'prompt;completion;who\r\n"a\r\nb; ""c""";yes;x\r\n\r\nd;no;\r\ne;"yes";y\r\n'


def test_a_table_keeps_header_and_rows(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(TABLE.encode())
    source = read_source(file)
    assert source.file.header == b"prompt;completion;who\r\n"
    assert [*source.bytes_of([0, 1, 2])] == [
        b'"a\r\nb; ""c""";yes;x\r\n',
        b"d;no;\r\n",
        b'e;"yes";y\r\n',
    ]
    assert values_of(source, "who") == ['"x"', None, '"y"']
    with pytest.raises(DataError, match="No row"):
        values_of(source, "whose")

    result = split_file(file, tmp_path / "out", SplitPlan([2, 0, 1]))
    for part in result.parts:
        assert part.file.suffix == ".csv"
        assert part.file.read_bytes().startswith(source.file.header)
        assert len(read_source(part.file).rows) == part.rows


def test_a_table_with_old_line_ends(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(b"prompt,completion\ra,x\r\rb,y")
    source = read_source(file)
    assert [*source.bytes_of([0, 1])] == [b"a,x\r", b"b,y\n"]


@pytest.mark.parametrize(
    "text", [f"[{chat('a')}]", f"[\n{chat('a')},\n{chat('b')}\n]", f"[\n{chat('a')}\n]"]
)
def test_rows_inside_a_list_have_no_lines_of_their_own(tmp_path, text):
    file = tmp_path / "rows.json"
    file.write_text(text)
    starts = [n for n, line in enumerate(text.splitlines(), 1) if "messages" in line]
    with pytest.raises(DataError, match="do not stand on lines of their own"):
        index_rows(file, starts, frozenset())
    with pytest.raises(DataError, match="do not stand on lines of their own"):
        index_rows(file, [*starts, 99], frozenset(starts))


def test_a_mix_has_the_weights_and_the_bytes(write, tmp_path):
    own = write(*(chat(f"own {n}") for n in range(9)), "{bad", name="own.jsonl")
    other = write(*(chat(f"other {n}") for n in range(9)), name="other.jsonl")
    out = tmp_path / "mix.jsonl"
    first, second = mix_files([(own, 2), (other, 1)], out, None, 0)
    assert (first.taken, first.different, first.total, len(first.listed)) == (9, 9, 10, 1)
    assert (second.taken, second.different, second.total) == (4, 4, 9)
    assert set(lines_of(out)) < {*lines_of(own), *lines_of(other)}

    mix_files([(own, 2), (other, 1)], out, 60, 0, force=True)
    counts = Counter(b"own" in line for line in lines_of(out))
    assert counts == {True: 40, False: 20}


def test_files_that_do_not_fit_together(write, tmp_path):
    pairs = write('{"prompt": "a", "completion": "b"}', name="pairs.jsonl")
    with pytest.raises(DataError, match="different formats or headers"):
        mix_files([(write(chat("a")), 1), (pairs, 1)], tmp_path / "out", None, 0)


def test_duplicates_are_named_by_their_lines(write, tmp_path):
    file = write(chat("a"), "", chat("b"), "{bad", chat("a", note=1), chat("b"))
    out = tmp_path / "out.jsonl"
    result = dedupe_file(file, out)
    assert lines_of(out) == [lines_of(file)[0], lines_of(file)[2]]
    assert [(d.row, d.of) for d in result.dropped] == [(5, 1), (6, 3)]
    assert result.total == result.kept + len(result.dropped) + len(result.listed) == 5
    near = dedupe_file(file, out, lambda records: [(1, 0)], force=True)
    assert (near.kept, len(near.dropped)) == (1, 3)


def test_what_is_there_is_not_replaced_unasked(write, tmp_path):
    file, out = write(chat("a")), tmp_path / "out.jsonl"
    dedupe_file(file, out)
    with pytest.raises(UserError, match="is there already"):
        dedupe_file(file, out)
    dedupe_file(file, out, force=True)
    with pytest.raises(UserError, match="is the file that is read"):
        dedupe_file(file, file, force=True)
    with pytest.raises(NotFoundError):
        dedupe_file(tmp_path / "nowhere.jsonl", out, force=True)


def fail(out, error):
    with new_file(out, inputs=[], force=False) as file:
        file.write(b"half")
        raise error


def test_an_output_appears_whole_or_not_at_all(write, tmp_path):
    out = tmp_path / "out"
    for error, kind in (
        (OSError(28, "No space left on device"), UserError),
        (DataError("x"), DataError),
    ):
        with pytest.raises(kind):
            fail(out, error)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="cannot be written"):
        dedupe_file(write(chat("a")), tmp_path / "no" / "out")
    blocked = write("x", name="blocked")
    with pytest.raises(UserError, match="cannot be made"):
        split_file(write(*map(chat, "ab")), blocked / "x", SplitPlan([1, 0, 1]))


def test_two_rows_on_one_line_are_not_told_apart(write):
    file = write(chat("a"))
    result = read_conversations(file)
    bad = Place(str(file), 1).found("json.invalid", "x", "y")
    with pytest.raises(DataError, match="2 rows on 1 lines"):
        source_of(file, replace(result, findings=(bad,), total=2))
