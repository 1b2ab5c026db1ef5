"""A file read, checked and profiled row by row; a large one by several processes.

What each process read comes back in the order of the file, and only a few parts are under way at a
time, so that memory does not grow with the file.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tunery.data.check import PARALLEL_BYTES
from tunery.data.collect import Collector
from tunery.data.conversation import Conversation, Message
from tunery.data.file import DataFile
from tunery.data.findings import Place
from tunery.data.formats.row import Row
from tunery.data.profile import RowProfile
from tunery.data.records import Judged, Preference, Record
from tunery.data.sources.parts import Part, cut

PART_BYTES = 4 * 2**20
"""Of a part for one process: some thousand rows, which are sent back together."""

BLOCK_ROWS = 4096
"""Rows that come together where one process reads all."""


@dataclass(frozen=True, slots=True)
class ReadPart:
    """Rows that stand together.

    Attributes:
        collector: What is wrong with them.
        rows: What they are made of.
        conversations: Those that can be used, as the conversations that are trained.
        without: Those that can be used and are no conversations.
    """

    collector: Collector
    rows: RowProfile
    conversations: list[Conversation]
    without: int


def read_parts(
    file: DataFile,
    processes: int | None = None,
    *,
    near: bool = False,
    parallel_bytes: int = PARALLEL_BYTES,
) -> Iterator[ReadPart]:
    """All rows of a file, in its order.

    Args:
        file: How it is read.
        processes: How many read a large file; as many as there are cores by default.
        near: Look for rows that are nearly the same as well.
        parallel_bytes: Smaller files are read by this process.

    Raises:
        DataError: The file as a whole cannot be used.
    """
    processes = processes or os.cpu_count() or 1
    if processes > 1 and file.in_parts and Path(file.path).stat().st_size >= parallel_bytes:
        yield from _by_processes(file, processes, near)
    else:
        yield from in_blocks(file.rows(), file.name, near=near)


def in_blocks(rows: Iterable[Row], path: str, *, near: bool = False) -> Iterator[ReadPart]:
    """Rows in parts; what shows only when rows are seen together is in the last part.

    Args:
        rows: In the order of the file.
        path: Of the file, as the user gave it.
        near: Look for rows that are nearly the same as well.
    """
    collector, profile = Collector(path, advice=True, near=near), RowProfile()
    conversations: list[Conversation] = []
    without = seen = 0
    for row in rows:
        seen += 1
        if collector.add(row) and row.record is not None:
            profile.add(row.record, Place(path, row.line))
            conversation = trained_conversation(row.record)
            if conversation is None:
                without += 1
            else:
                conversations.append(conversation)
        if seen == BLOCK_ROWS:
            yield ReadPart(
                Collector(path, advice=True, near=near), RowProfile(), conversations, without
            )
            conversations, without, seen = [], 0, 0
    yield ReadPart(collector, profile, conversations, without)


def trained_conversation(record: Record) -> Conversation | None:
    """A row as the conversation whose tokens count; None for a kind that has no answer."""
    if isinstance(record, Conversation):
        return record
    if isinstance(record, Preference):
        messages, tools = (*record.prompt, *record.chosen), record.tools
        return Conversation(messages, record.file, record.line, tools, record.parallel_tool_calls)
    if isinstance(record, Judged):
        return Conversation((*record.prompt, *record.completion), record.file, record.line)
    return None


def _by_processes(file: DataFile, processes: int, near: bool) -> Iterator[ReadPart]:
    # A process that is forked from one with threads may hang.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[_Sent]] = deque()
        for part in cut(Path(file.path), PART_BYTES):
            waiting.append(pool.submit(_read_part, file, near, part))
            if len(waiting) > processes + 1:
                yield waiting.popleft().result().received(file.name)
        while waiting:
            yield waiting.popleft().result().received(file.name)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A `ReadPart` on its way between processes: tuples are sent faster, equal texts once."""

    collector: Collector
    rows: RowProfile
    conversations: list[tuple[int, str, bool | None, list[tuple[object, ...]]]]
    without: int

    def received(self, path: str) -> ReadPart:
        conversations = [
            Conversation(
                tuple([Message(*turn) for turn in turns]),  # type: ignore[arg-type]
                path,
                line,
                tools,
                parallel,
            )
            for line, tools, parallel, turns in self.conversations
        ]
        return ReadPart(self.collector, self.rows, conversations, self.without)


def _read_part(file: DataFile, near: bool, part: Part) -> _Sent:
    [*blocks] = in_blocks(file.rows_of(part), file.name, near=near)
    same: dict[str, str] = {}
    sent: list[tuple[int, str, bool | None, list[tuple[object, ...]]]] = []
    for block in blocks:
        for row in block.conversations:
            turns: list[tuple[object, ...]] = []
            for turn in row.messages:
                text = same.setdefault(turn.content, turn.content)
                rest = (turn.tool_calls, turn.tool_call_id, turn.name)
                turns.append((turn.role, text, turn.weight, *(rest if any(rest) else ())))
            tools = same.setdefault(row.tools, row.tools)
            sent.append((row.line, tools, row.parallel_tool_calls, turns))
    whole = blocks[-1]
    return _Sent(whole.collector, whole.rows, sent, sum(block.without for block in blocks))
