"""The bytes of each row of a file, so that chosen rows are written as they were."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from tunery.errors import DataError, UserError

_BLANK = b" \t\r\n\f\v"
_MARK = b"\xef\xbb\xbf"
_TABLES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class LineFile:
    """A file whose rows are known by their bytes.

    Attributes:
        path: The file.
        is_table: Whether it is CSV, with a header above the rows.
        header: Bytes of the header with its line end; empty without one.
        spans: Begin and end of each row in bytes, by the line on which it starts.
    """

    path: Path
    is_table: bool
    header: bytes
    spans: dict[int, tuple[int, int]]

    def rows(self, lines: Iterable[int]) -> Iterator[bytes]:
        """The bytes of rows, each with a line end; one is added only where the file has none."""
        with self.path.open("rb") as file:
            for line in lines:
                begin, end = self.spans[line]
                file.seek(begin)
                row = file.read(end - begin)
                yield row if row.endswith((b"\n", b"\r")) else row + b"\n"


def index_rows(path: Path, starts: Sequence[int], bad: Set[int]) -> LineFile:
    """Finds the bytes of each row of a JSONL or CSV file.

    Args:
        path: The file.
        starts: Lines on which its rows start, all of them.
        bad: Those of them whose rows have an error, and may be anything.

    Raises:
        DataError: Rows of the file do not stand on lines of their own.
    """
    is_table = path.suffix.lower() in _TABLES
    offsets = {0: 0}
    wanted = set(starts)
    number = position = 0
    with path.open("rb") as file:
        for line in _lines(file, at_returns=is_table):
            number += 1
            if number in wanted:
                mark = len(_MARK) if number == 1 and line.startswith(_MARK) else 0
                offsets[number] = position + mark
            position += len(line)
    first = min(starts, default=0)
    header = b""
    spans: dict[int, tuple[int, int]] = {}
    bounds = [*sorted(wanted), None]
    with path.open("rb") as file:
        if is_table:
            header = _ended(file.read(offsets.get(first, 0)))
        for start, following in pairwise(bounds):
            if start is None or start not in offsets:  # the file has become shorter
                raise _not_lines(path, start or 0)
            end = position if following is None else offsets.get(following, position)
            file.seek(offsets[start])
            row = _trimmed(file.read(end - offsets[start]))
            if not is_table and start not in bad and not _is_object(row):
                raise _not_lines(path, start)
            spans[start] = (offsets[start], offsets[start] + len(row))
    return LineFile(path, is_table, header, spans)


def _lines(file: BinaryIO, *, at_returns: bool) -> Iterator[bytes]:
    """The lines as the file was read: those of CSV end at a lone carriage return as well."""
    for line in file:
        if at_returns:
            yield from line.splitlines(keepends=True)
        else:
            yield line


def _trimmed(row: bytes) -> bytes:
    """A row without the blank lines that follow it; its own line end stays."""
    body = row.rstrip(_BLANK + _MARK)
    rest = row[len(body) :]
    for end in (b"\r\n", b"\n", b"\r"):
        before, found, _ = rest.partition(end)
        if found and b"\n" not in before and b"\r" not in before:
            return body + before + end
    return row


def _ended(header: bytes) -> bytes:
    return header if not header or header.endswith((b"\n", b"\r")) else header + b"\n"


def _is_object(row: bytes) -> bool:
    """Whether a row is one line with one JSON object, and not a piece of a list."""
    text = row.strip(_BLANK + _MARK)
    return text.startswith(b"{") and text.endswith(b"}") and b"\n" not in text


def _not_lines(path: Path, line: int) -> DataError:
    return DataError(
        f"{path}:{line}: rows of this file do not stand on lines of their own; expected JSONL or "
        "CSV, not compressed.",
        "Convert the file to JSONL first.",
    )


@contextmanager
def new_file(path: Path, *, inputs: Sequence[Path], force: bool) -> Iterator[BinaryIO]:
    """A file to write that appears whole at the end, or not at all.

    Args:
        path: Its name.
        inputs: Files that are read meanwhile, which it must not replace.
        force: Replace a file that is there.

    Raises:
        UserError: It is there, is an input, or cannot be written.
    """
    if any(path.resolve() == other.resolve() for other in inputs):
        raise UserError(f"{path} is the file that is read.", "Give another name for the output.")
    if path.exists() and not force:
        raise UserError(f"{path} is there already.", "Give another name, or --force to replace it.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}.", "Check its folder."
        ) from None
    finally:
        with suppress(OSError):
            draft.unlink()
