"""A data file in another format: every row is written, or listed with the reason."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from tunery.data.conversation import Conversation, Message
from tunery.data.convert import alpaca, openai, parquet, sharegpt, trl
from tunery.data.convert.container import Put, check_ending, open_container
from tunery.data.convert.target import CannotHoldError, Object, TargetName, Writer, Writers
from tunery.data.file import DataFile
from tunery.data.findings import Finding, Place
from tunery.data.formats.row import Row
from tunery.data.formats.table import FORMATS
from tunery.data.records import KIND_OF, Judged, Kind, Preference, Record
from tunery.errors import DataError

TARGETS: dict[TargetName, Writers] = {
    "openai": openai.WRITERS,
    "alpaca": alpaca.WRITERS,
    "sharegpt": sharegpt.WRITERS,
    "trl": trl.WRITERS,
    "parquet": parquet.WRITERS,
}


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a file.

    Attributes:
        out: The file that was written; None if no row could be.
        total: Rows read.
        written: Rows written; the others are listed among `findings` as errors.
        findings: What is wrong with rows, what has no place in the target, and keys not used.
    """

    out: Path | None
    total: int
    written: int
    findings: tuple[Finding, ...]

    @property
    def listed(self) -> int:
        """Rows that were not written."""
        return self.total - self.written


def convert(
    file: DataFile,
    out: Path,
    target: TargetName,
    *,
    force: bool = False,
    change: Callable[[Record], Record] = lambda record: record,
) -> Converted:
    """Writes the rows of a file in another format.

    Args:
        file: How it is read.
        out: The file to write; its ending chooses the container.
        target: The format to write.
        force: Replace `out` if it is there.
        change: Made of each record before it is written.

    Raises:
        DataError: `out` is there, its folder is not, or its ending does not fit; or the file as a
            whole cannot be used.
    """
    check_ending(out, target)
    if out.exists() and not force:
        raise DataError(f"{out} is already there.", "Name another file, or replace it: --force.")
    if not out.parent.is_dir():
        raise DataError(f"There is no folder {out.parent}.", "Make it, or name another.")
    beside = _unused_name(out)
    conversion = _Conversion(str(file.path), target, beside, out.suffix.lower())
    try:
        with conversion.stack:
            for row in file.rows():
                record = None if row.record is None else change(row.record)
                conversion.add(replace(row, record=record))
        if conversion.written:
            os.replace(beside, out)
    finally:
        beside.unlink(missing_ok=True)
    if not conversion.total:
        raise DataError(f"{file.path} holds no rows; expected at least one.", "Put rows into it.")
    whole = out if conversion.written else None
    return Converted(whole, conversion.total, conversion.written, conversion.findings())


def _unused_name(out: Path) -> Path:
    """A name in the same folder, so that the finished file can be renamed at one stroke."""
    names = (out.with_name(f".{out.name}.{os.getpid()}.{number}") for number in count())
    return next(name for name in names if not name.exists())


class _Conversion:
    """The rows written so far, and why others were not.

    A row is written if it can be read; whether it is good to learn from is `tunery data check`'s.
    """

    def __init__(self, file: str, target: TargetName, path: Path, ending: str) -> None:
        self.file = file
        self.target = target
        self.path = path
        self.ending = ending
        self.total = 0
        self.written = 0
        self.stack = ExitStack()
        self._findings: list[Finding] = []
        self._once: dict[Finding, int] = {}
        self._put: Put | None = None

    def add(self, row: Row) -> None:
        """Writes the row, or lists it."""
        self.total += 1
        self._findings += row.findings
        for finding in row.once:
            first = replace(finding, line=0)
            self._once[first] = self._once.get(first, 0) + 1
        if row.record is None:
            return
        try:
            self._write(row.record)
        except CannotHoldError as error:
            found = Place(self.file, row.line).found(
                "convert.not_held",
                f"not written: {error}",
                "Choose another target with --to, or leave the row out.",
            )
            self._findings.append(found)
        else:
            self.written += 1

    def findings(self) -> tuple[Finding, ...]:
        """All that was found: what many rows share first, then row by row."""
        shared = (
            replace(finding, message=f"{finding.message} ({count} rows)")
            for finding, count in self._once.items()
        )
        return (*shared, *self._findings)

    def _write(self, record: Record) -> None:
        kind = KIND_OF[type(record)]
        writer = _writer(self.target, kind)
        held = writer.write(record)
        _check_whole(record, held, writer)
        self._open(kind)(held)

    def _open(self, kind: Kind) -> Put:
        """One file holds one kind: a format reads all rows of a file alike."""
        if self._put is None:
            opening = open_container(self.path, self.ending, self.target, kind)
            self._put = self.stack.enter_context(opening)
        return self._put


def _writer(target: TargetName, kind: Kind) -> Writer:
    writer = TARGETS[target].get(kind)
    if writer is None:
        kinds = " and ".join(TARGETS[target])
        raise CannotHoldError(f"{target} holds {kinds} rows, and this is a {kind} row")
    return writer


def _check_whole(record: Record, held: Object, writer: Writer) -> None:
    """Refuses a row that would not be the same when read back.

    Raises:
        CannotHoldError: It would not.
    """
    try:
        json.dumps(held, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise CannotHoldError("a text holds half a character, which no file can") from None
    read = FORMATS[writer.format].reader(lambda: iter(()))(held, Place("", 0)).record
    if read is None or _learned(read) != _learned(record):
        raise CannotHoldError(f"read back as {writer.format}, the row would say something else")


def _learned(record: Record) -> Record:
    """The record without its place, and an answer of weight 1 as one without a weight."""
    bare = replace(record, file="", line=0)
    if isinstance(bare, Conversation):
        return replace(bare, messages=_plain(bare.messages))
    if isinstance(bare, Preference):
        return replace(
            bare,
            prompt=_plain(bare.prompt, is_prompt=True),
            chosen=_plain(bare.chosen),
            rejected=_plain(bare.rejected),
        )
    if isinstance(bare, Judged):
        prompt = _plain(bare.prompt, is_prompt=True)
        return replace(bare, prompt=prompt, completion=_plain(bare.completion))
    return bare


def _plain(messages: tuple[Message, ...], is_prompt: bool = False) -> tuple[Message, ...]:
    return tuple(replace(m, weight=None) if m.weight == 1 or is_prompt else m for m in messages)
