"""What a target can hold comes back as the same record; the rest is listed."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.convert.run import TARGETS, convert
from tunery.data.convert.target import TargetName
from tunery.data.file import understand
from tunery.data.findings import Place
from tunery.data.formats.table import FORMATS
from tunery.data.records import Judged, Preference, Record, Reinforcement, Text

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
said = texts.filter(lambda text: bool(text.strip()))
arguments = st.sampled_from(["{}", '{"a": 1}', '{"a":1}', "not json", '{"b": [1, {"c": "é"}]}'])
calls = st.lists(
    st.builds(ToolCall, said, arguments, st.sampled_from(["", "c1", "call_2"])),
    min_size=1,
    max_size=2,
)
prompts = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user", "developer"]), texts),
    st.builds(Message, st.just("user"), texts, name=st.sampled_from(["", "Ada"])),
)
results = st.builds(
    Message, st.just("tool"), texts, tool_call_id=st.sampled_from(["", "c1", "call_2"])
)
answers = st.one_of(
    st.builds(Message, st.just("assistant"), said, st.sampled_from([None, 0.0, 1.0])),
    st.builds(Message, st.just("assistant"), said),
    st.builds(Message, st.just("assistant"), st.just(""), tool_calls=calls.map(tuple)),
    st.builds(Message, st.just("assistant"), said, tool_calls=calls.map(tuple)),
)
tools = st.sampled_from(
    ["", '[{"type": "function", "function": {"name": "f", "parameters": {"x": [1.5, null]}}}]']
)
parallel = st.sampled_from([None, True, False])
turns = st.lists(st.one_of(prompts, answers, results), max_size=4).map(tuple)
some = st.lists(prompts, min_size=1, max_size=2).map(tuple)
answered = st.lists(answers, min_size=1, max_size=2).map(tuple)
simple = st.lists(st.builds(Message, st.just("user"), said), max_size=1).map(tuple)
simply_asked = st.builds(Message, st.just("user"), said).map(lambda message: (message,))
simply = st.builds(Message, st.just("assistant"), said).map(lambda message: (message,))

conversations = st.one_of(
    st.builds(
        lambda before, answer, held, many: Conversation(
            (*before, answer), tools=held, parallel_tool_calls=many
        ),
        turns,
        answers,
        tools,
        parallel,
    ),
    st.builds(lambda asked, answer: Conversation((*asked, *answer)), simple, simply),
)
preferences = st.one_of(
    st.builds(Preference, some, answered, answered, tools=tools, parallel_tool_calls=parallel),
    st.builds(Preference, simply_asked, simply, simply),
)
items = st.dictionaries(said, st.one_of(texts, st.integers(), st.none()), max_size=2)
records = {
    "sft": conversations,
    "preference": preferences,
    "judged": st.builds(Judged, some, simply, st.booleans()),
    "reinforcement": st.builds(
        lambda prompt, item, held: Reinforcement(
            prompt, json.dumps(item, ensure_ascii=False), tools=held
        ),
        some,
        items.map(lambda item: {f"k{key}": held for key, held in item.items()}),
        tools,
    ),
    "text": st.builds(Text, said),
}
HELD_WHOLE = [("openai", "sft"), ("openai", "preference"), ("openai", "reinforcement")]
HELD_WHOLE += [("parquet", kind) for kind in ("sft", "preference", "judged", "text")]


def plain(record: Record) -> Record:
    """Without the place, and with weight 1 as the same as none, which it is."""
    record = replace(record, file="", line=0)
    names = {"messages", "prompt", "chosen", "rejected", "completion"} & set(record.__slots__)
    return replace(record, **{name: _plain(getattr(record, name)) for name in names})


def _plain(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    return tuple(replace(m, weight=None) if m.weight == 1 else m for m in messages)


def as_objects(record: Record, kind: Any) -> dict[str, Any]:
    """The record in the target that holds all of its kind."""
    target: TargetName = "openai" if kind in TARGETS["openai"] else "trl"
    return TARGETS[target][kind].write(record)


def source(folder: Path, kind: Any, rows: list[Record]) -> Path:
    """A file with the rows."""
    path = folder / "in.jsonl"
    lines = [json.dumps(as_objects(record, kind), ensure_ascii=False) for record in rows]
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    return path


FORMAT_OF = {
    "sft": "chat",
    "preference": "openai_preference",
    "reinforcement": "reinforcement",
    "judged": "kto",
    "text": "text",
}


def weighted(rows: list[Record], kind: str) -> list[Record]:
    """TRL's judged rows have no weights, so the source cannot give them."""
    return [plain(row) for row in rows] if kind == "judged" else rows


@pytest.mark.parametrize(
    ("target", "ending"),
    [
        ("openai", ".jsonl"),
        ("alpaca", ".jsonl"),
        ("alpaca", ".csv"),
        ("alpaca", ".tsv"),
        ("sharegpt", ".jsonl"),
        ("trl", ".jsonl"),
        ("trl", ".csv"),
        ("parquet", ".parquet"),
    ],
)
@pytest.mark.parametrize("kind", sorted(records))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_row_comes_back_or_is_listed(
    target: Any, ending: str, kind: Any, data: st.DataObject
) -> None:
    rows = weighted(data.draw(st.lists(records[kind], min_size=1, max_size=4)), kind)
    with TemporaryDirectory() as folder:
        path = source(Path(folder), kind, rows)
        out = Path(folder) / f"out{ending}"
        file = understand(path, format=FORMAT_OF[kind])  # type: ignore[arg-type]
        done = convert(file, out, target)
        listed = {f.line for f in done.findings if f.severity == "error"}
        assert done.total == len(rows) == done.written + len(listed)
        if (target, kind) in HELD_WHOLE:
            assert done.written == len(rows)
        assert out.exists() == bool(done.written)
        kept = [row for line, row in enumerate(rows, start=1) if line not in listed]
        if kept:
            assert [plain(row) for row in read_back(out, target, kind)] == [
                plain(row) for row in kept
            ]


def read_back(out: Path, target: TargetName, kind: Any) -> list[Record | None]:
    format = TARGETS[target][kind].format
    if out.suffix == ".parquet":
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        objects = pq.read_table(out).to_pylist()
        read = FORMATS[format].reader(lambda: iter(objects))
        return [read(row, Place("", 0)).record for row in objects]
    return [row.record for row in understand(out, format=format).rows()]
