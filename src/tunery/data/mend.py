"""A repaired copy of a JSON Lines file: what is safe to repair is, and all else stays as it was."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tunery.data.checks.digests import digest_of_row
from tunery.data.checks.repair import repair
from tunery.data.collect import Collector
from tunery.data.file import DataFile
from tunery.data.findings import Finding
from tunery.data.formats.row import Row
from tunery.data.sources.jsonl import read_lines
from tunery.data.sources.row import SourceRow
from tunery.errors import DataError

_MOST_REPAIRS = 1000
"""Of one row: each repair leaves less to do, and this many end even if one did not."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of a file.

    Attributes:
        out: The copy.
        rows: Rows of the file.
        written: Rows of the copy: all but those that said the same as an earlier one.
        repaired: Rows that were changed.
        faulty: Rows of the copy that still have an error; they stand in it as they were.
        done: What was done, and in how many rows.
    """

    out: Path
    rows: int
    written: int
    repaired: int
    faulty: int
    done: tuple[tuple[str, int], ...]


def mend(file: DataFile, findings: tuple[Finding, ...], out: Path, *, force: bool) -> Mended:
    """Writes a repaired copy of a file.

    Rows that need no repair are copied byte for byte, and each line ends in a line feed. Blank
    lines and a byte-order mark are left out, and so are rows that say the same as an earlier one.

    Args:
        file: How it is read; plain JSON Lines.
        findings: What was found in it.
        out: The copy.
        force: Replace `out` if it is there.

    Raises:
        DataError: The file is not plain JSON Lines or has a line that is too long to be read, or
            `out` is there or is the file itself.
    """
    path = Path(file.path)
    if not file.in_parts:
        raise DataError(
            f"{file.name} is not a plain JSON Lines file in UTF-8; only such files are repaired.",
            "Write it as one first: tunery data convert IN OUT.jsonl --to openai.",
        )
    if any(finding.code == "file.line_too_long" for finding in findings):
        raise DataError(
            f"{file.name} has a line that is too long to be read, so it cannot be copied whole.",
            "Take out the lines that the check lists as file.line_too_long.",
        )
    if out.exists() and (not force or out.samefile(path)):
        raise DataError(f"{out} is already there.", "Name another file for the repaired copy.")
    of_file = [finding for finding in findings if finding.severity == "warning"]
    work = _Mending(file, of_file)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with path.open("rb") as lines, beside.open("wb") as copy:
            for number, line in enumerate(lines, start=1):
                if (written := work.line(line, number)) is not None:
                    copy.write(written)
        beside.replace(out)
    except OSError as error:
        raise DataError(
            f"{out} cannot be written: {error.strerror}.", "Check its folder."
        ) from None
    finally:
        beside.unlink(missing_ok=True)
    done = tuple(work.done.most_common())
    return Mended(out, work.rows, work.written, work.repaired, work.faulty, done)


class _Mending:
    """What was done so far."""

    def __init__(self, file: DataFile, of_file: list[Finding]) -> None:
        self.rows = self.written = self.repaired = self.faulty = 0
        self.done: Counter[str] = Counter()
        self._file = file
        self._of_file = of_file
        self._read: Callable[[SourceRow], Row] = file.row_reader()
        self._seen: set[bytes] = set()

    def line(self, line: bytes, number: int) -> bytes | None:
        """The line of the copy; None where it has none."""
        bare = line.rstrip(b"\r\n")
        found = next(read_lines([(number, bare)], self._file.name), None)
        if found is None:
            self.done["left out a blank line"] += 1
            return None
        self.rows += 1
        if line.endswith(b"\r\n"):
            self.done["wrote a line feed for a Windows line end"] += 1
        if number == 1 and bare.startswith(b"\xef\xbb\xbf"):
            bare = bare[3:]
            self.done["left out the byte-order mark"] += 1
        row, value, done = self._repaired(found)
        if done:
            self.repaired += 1
            self.done.update(set(done))
            bare = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if row.record is None:
            self.faulty += 1
        elif (digest := digest_of_row(row.record)) in self._seen:
            self.done["left out a row that says the same as an earlier one"] += 1
            return None
        else:
            self._seen.add(digest)
        self.written += 1
        return bare + b"\n"

    def _repaired(self, found: SourceRow) -> tuple[Row, dict[str, object] | None, list[str]]:
        """The row as it is at last, without a record if it still has an error; and what was done.

        A repair may show what the next one can do: messages are decoded, then their roles seen.
        """
        value = found.value
        all_done: list[str] = []
        while True:
            row = self._read(SourceRow(found.place, value, found.problem))
            collector = Collector(self._file.name)
            if not collector.add(row):
                row = replace(row, record=None)
            done: list[str] = []
            if value is not None and len(all_done) < _MOST_REPAIRS:
                value, done = repair(value, [*collector.findings(), *self._of_file])
            if not done:
                return row, value, all_done
            all_done += done
