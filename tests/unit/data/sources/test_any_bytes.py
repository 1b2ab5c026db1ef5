"""Whatever bytes a container holds, opening it ends in rows and findings or in one sentence."""

import gzip
import io
import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunery.data.sources.limits import Limits
from tunery.data.sources.opening import open_rows
from tunery.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "Wo? ü🚪"}, {"role": "assistant", "content": "x"}]},
    {"messages": [{"role": "user", "content": 'say "hi", \\ or\nno'}], "n": 1.5},
    {"messages": [], "n": None, "tags": ["a", None]},
] * 4
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode()
TABLE = pa.Table.from_pylist(ROWS)


def arrow(new: Callable[..., Any]) -> bytes:
    out = io.BytesIO()
    with new(out, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=5)
    return out.getvalue()


def parquet(**options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(TABLE, out, **options)
    return out.getvalue()


WHOLE = {
    "a.jsonl": [LINES, b"\xef\xbb\xbf" + LINES, LINES.decode().encode("utf-16")],
    "a.json": [json.dumps(ROWS).encode(), json.dumps({"data": ROWS}, indent=1).encode()],
    "a.csv": [b'prompt,completion\n"a\nb",c\nd,"e ""f"""\r\n', b"a\tb\n1\t2\n"],
    "a.jsonl.gz": [gzip.compress(LINES), gzip.compress(LINES + b"\n") * 2],
    "a.jsonl.zst": [zstd.compress(LINES)],
    "a.parquet": [parquet(), parquet(compression="none"), parquet(use_dictionary=False)],
    "a.arrow": [arrow(pa.ipc.new_file), arrow(pa.ipc.new_stream)],
    "a": [LINES, json.dumps(ROWS).encode(), parquet(), zstd.compress(LINES)],
}
SMALL = Limits(line_bytes=2000, ratio=100, unpacked_bytes=200_000)


def outcome(path: Path) -> Counter[str]:
    """What came of a file: the code of each finding, "row", or "refused"."""
    seen: Counter[str] = Counter()
    line = 0
    try:
        with open_rows(path, ["messages"], limits=SMALL) as opened:
            for row in opened.rows:
                assert row.place.line > line
                line = row.place.line
                assert (row.value is None) == (row.problem is not None)
                if row.problem is not None:
                    told = row.problem.message + row.problem.hint
                    assert told.encode()
                    assert row.problem.hint
                    assert (row.problem.line, row.problem.file) == (line, str(path))
                seen[row.problem.code if row.problem else "row"] += 1
    except DataError as error:
        seen["refused" if error.message and error.hint and str(error).encode() else "mute"] += 1
    assert "mute" not in seen
    return seen


UNHURRIED = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 6),
        st.binary(max_size=6) | st.sampled_from([b"\0", b"\xff\xff\xff\xff", b"\n", b'"', b"]"]),
    ),
    max_size=5,
)


@pytest.mark.parametrize("name", WHOLE)
@UNHURRIED
@given(which=st.integers(0, 3), edits=EDITS, end=st.floats(0.1, 3))
def test_a_damaged_file_is_told(
    tmp_path: Path, name: str, which: int, edits: list[tuple[float, int, bytes]], end: float
) -> None:
    choices = WHOLE[name]
    data = bytearray(choices[which % len(choices)])
    for place, length, new in edits:
        at = int(place * len(data))
        data[at : at + length] = new
    path = tmp_path / name
    path.write_bytes(data[: int(end * len(data))])
    outcome(path)


@pytest.mark.parametrize("name", WHOLE)
@UNHURRIED
@given(data=st.binary(max_size=80))
def test_any_bytes_are_told(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    outcome(path)


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_whole_is_read_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for data in WHOLE[name]:
        path.write_bytes(data)
        assert set(outcome(path)) == {"row"}


def damaged(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 4, 16])):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(5):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << draw.randrange(8)
            case 1:
                changed[at : at + draw.randrange(9)] = draw.randbytes(draw.randrange(9))
            case 2:
                length = draw.choice([1, 2, 4, 8])
                value = draw.choice([0, 1, 255, 2 ** (8 * length - 1), 2 ** (8 * length) - 1])
                changed[at : at + length] = value.to_bytes(8, "little")[:length]
            case 3:
                other = draw.randrange(len(changed) + 1)
                changed[at:at] = changed[other : other + draw.randrange(40)]
            case _:
                if draw.random() < 0.2:
                    del changed[at:]
    return bytes(changed)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_damaged_files(tmp_path: Path) -> None:
    draw = random.Random(7)
    seen: Counter[str] = Counter()
    for _ in range(100_000):
        name = draw.choice(list(WHOLE))
        data = damaged(draw, draw.choice(WHOLE[name]))
        path = tmp_path / name
        path.write_bytes(data)
        try:
            seen += outcome(path)
        except Exception as error:
            error.add_note(f"{name} with {data.hex()}")
            raise
    print(dict(seen))  # noqa: T201 (the counts are the result of this test)
    assert len(seen) > 8
