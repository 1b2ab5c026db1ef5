import json

import pytest

from tunery.data import read_parts as reading
from tunery.data.collect import Collector
from tunery.data.file import understand
from tunery.data.profile import RowProfile
from tunery.data.read_parts import BLOCK_ROWS, read_parts


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rows.jsonl"
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    with path.open("w") as out:
        for number in range(BLOCK_ROWS + 900):
            messages = [
                {"role": "system", "content": "The same for all. " * 40},
                {"role": "user", "content": f"Q{number % 4000}"},
                {"role": "assistant", "content": f"A{number % 4000}", "weight": number % 2},
            ]
            if number % 50 == 0:
                messages[2] = {"role": "assistant", "content": None, "tool_calls": [call]}
                messages.append({"role": "tool", "tool_call_id": "c", "content": "r", "name": "f"})
                messages.append({"role": "assistant", "content": "done"})
            out.write(json.dumps({"messages": [] if number % 97 == 5 else messages}) + "\n")
    return understand(path)


def together(parts, name):
    collector, rows, conversations, without = Collector(name, advice=True), RowProfile(), [], 0
    for part in parts:
        collector.merge(part.collector)
        rows.merge(part.rows)
        conversations += part.conversations
        without += part.without
    rows.systems._last = rows.tool_lists._last = ("", b"")
    return collector, rows, conversations, without


def test_several_processes_read_what_one_reads(file):
    one = together(read_parts(file, 1), file.name)
    # Parts of 4 MiB: the file has two.
    assert file.path.stat().st_size > reading.PART_BYTES * 0.8
    several = together(read_parts(file, 2, parallel_bytes=0), file.name)
    assert several[0].findings() == one[0].findings()
    assert (several[0].total, several[0].used) == (one[0].total, one[0].used)
    assert several[1:] == one[1:]
    assert len(one[2]) == one[0].used


def test_a_large_file_comes_in_blocks(file):
    parts = list(read_parts(file, 1))
    assert len(parts) == 2
    first, last = parts
    assert first.rows.rows == 0
    assert last.rows.rows == len(first.conversations) + len(last.conversations)
