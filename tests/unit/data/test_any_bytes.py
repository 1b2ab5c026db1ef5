"""Whatever bytes a file holds, checking it ends in findings or in one sentence."""

import gzip
import json
import random
from pathlib import Path

import pytest

from tunery.data.check import Checked, check_file
from tunery.data.file import understand
from tunery.errors import DataError

TURNS = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Wo ist meine Tür? 🚪"},
    {"role": "assistant", "content": "Here.", "weight": 1},
]
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"a": 1.0}'}}
TOOL = {
    "type": "function",
    "function": {
        "name": "find",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
    },
}
ROWS = [
    {"messages": TURNS},
    {"messages": [*TURNS[:2], {"role": "assistant", "tool_calls": [CALL]}], "tools": [TOOL]},
    {"messages": [*TURNS, {"role": "tool", "content": "3", "tool_call_id": "c1"}]},
    {"prompt": "2 + 2 =", "completion": " 4"},
    {"prompt": TURNS[:2], "completion": TURNS[2:]},
    {"instruction": "Say hi.", "input": "", "output": "Hi {{name}}."},
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]},
    {"prompt": "Hi", "chosen": "Ho", "rejected": "Ha"},
    {"prompt": "Hi", "completion": "Ho", "label": True},
    {
        "input": {"messages": TURNS[:2]},
        "preferred_output": TURNS[2:],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    },
    {"text": "I like it", "label": "good"},
    {"context": "Ada was born in London.", "question": "Where?", "answers": {"text": ["London"]}},
    {"text": "Once upon a time"},
]
PIECES = [
    *[json.dumps(row).encode() for row in ROWS],
    b"text,label\nI like it,good\n",
    b'"a;b"\t"c\n"',
    b"\xef\xbb\xbf",
    b"\xff\xfe{\x00}\x00",
    b"\xfe\xff\x00{",
    b"\x1f\x8b\x08\x00",
    b"(\xb5/\xfd",
    b"PAR1",
    b"ARROW1\x00\x00",
    b"\xed\xa0\xbd",
    b"\\ud83d",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 5000,
    b"[" * 3000,
    b'{"a":' * 3000,
    b"\x00",
    b"\r",
    b"\xc2\x85\xe2\x80\xa8",
    b"null",
    b"{}",
    b"[]",
    b'"',
    b"'",
    b",",
]
ENDINGS = [
    ".jsonl",
    ".json",
    ".csv",
    ".tsv",
    ".txt",
    ".jsonl.gz",
    ".parquet",
    ".arrow",
    ".jsonl.zst",
    "",
]


def any_bytes(draw: random.Random) -> bytes:
    """A file that was well once, or never."""
    joint = draw.choice([b"\n", b"\n", b"\n", b"\r\n", b",\n", b""])
    data = bytearray(joint.join(draw.choice(PIECES) for _ in range(draw.randrange(5))))
    for _ in range(draw.choice([0, 0, 1, 2, 8])):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(4):
            case 0:
                data[at : at + draw.randrange(9)] = b""
            case 1:
                data[at:at] = draw.choice(PIECES)
            case 2:
                data[at:at] = draw.randbytes(draw.randrange(5))
            case _:
                data[at:] = b"" if draw.random() < 0.3 else data[at:]
    content = bytes(data)
    if draw.random() < 0.1:
        content = b"[" + content + b"]"
    if draw.random() < 0.1:
        content = gzip.compress(content, 1)
    if draw.random() < 0.1:
        content = content.decode("utf-8", "replace").encode("utf-16")
    return content


def check(path: Path) -> Checked | DataError:
    try:
        return check_file(understand(path))
    except DataError as error:
        return error


def is_accounted_for(checked: Checked) -> bool:
    lines = {f.line for f in checked.findings if f.severity == "error" and f.line}
    told = [(finding.message, finding.hint) for finding in checked.findings]
    assert all(message and hint and (message + hint).encode() for message, hint in told)
    return checked.used + len(lines) == checked.total == checked.looked_at


def feed(folder: Path, seed: int, inputs: int) -> None:
    draw = random.Random(seed)
    for _ in range(inputs):
        path = folder / f"rows{draw.choice(ENDINGS)}"
        content = any_bytes(draw)
        path.write_bytes(content)
        try:
            found = check(path)
            assert is_accounted_for(found) if isinstance(found, Checked) else found.hint
        except Exception as error:
            error.add_note(f"{path.name} with {content[:2000]!r}")
            raise
        finally:
            path.unlink()


def test_any_bytes_end_in_findings_or_in_one_sentence(tmp_path: Path) -> None:
    feed(tmp_path, seed=1, inputs=1500)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_inputs(tmp_path: Path) -> None:
    feed(tmp_path, seed=2, inputs=100_000)
