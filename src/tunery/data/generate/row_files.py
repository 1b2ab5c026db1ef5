"""The two files that a run writes: the rows to train on, and those that were not taken."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tunery.data.generate.candidate import Candidate, Problem
from tunery.errors import UserError


def rejected_path(out: Path) -> Path:
    """Where the rejected rows of `train.jsonl` are: `train.rejected.jsonl`."""
    return out.with_name(f"{out.stem}.rejected{out.suffix or '.jsonl'}")


def kept_line(candidate: Candidate, metadata: dict[str, str]) -> str:
    """A row as a line of the file to train on; in ASCII, so that no reader can cut it."""
    return json.dumps({**(candidate.row or {}), "metadata": metadata}) + "\n"


def rejected_line(given: object, problem: Problem, metadata: dict[str, str]) -> str:
    """A row that was not taken as a line of the other file."""
    row = {
        "reason": problem.reason,
        "message": problem.message,
        "given": given,
        "metadata": metadata,
    }
    return json.dumps(row) + "\n"


def refuse_to_overwrite(*paths: Path) -> None:
    """Stops where a file is already, or where none can be.

    Raises:
        UserError: It is so; a journal hints at --resume.
    """
    for path in paths:
        if path.exists():
            journal = path.suffix == ".journal"
            also = ", or go on with --resume" if journal else ", or move the file"
            raise UserError(f"{path} is there already.", f"Give another --out{also}.")
        if not path.parent.is_dir():
            raise UserError(f"There is no folder {path.parent}.", "Make it, or give another --out.")


class RowFiles:
    """Both files, which grow with the run. They are made anew when a run goes on.

    Args:
        out: The file to train on.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.rejected = rejected_path(out)

    def begin(self, kept: Iterable[str], rejected: Iterable[str]) -> None:
        """Writes what there is already; each file has its old lines or all new ones.

        Raises:
            UserError: The folder cannot be written to.
        """
        try:
            for path, lines in ((self.out, kept), (self.rejected, rejected)):
                draft = path.with_name(f"{path.name}.draft")
                with draft.open("w", encoding="ascii", newline="\n") as file:
                    file.writelines(lines)
                draft.replace(path)
        except OSError as error:
            raise UserError(
                f"{self.out} cannot be written ({error.strerror}).", "Give another --out."
            ) from error

    def add(self, kept: list[str], rejected: list[str]) -> None:
        """Appends whole lines."""
        for path, lines in ((self.out, kept), (self.rejected, rejected)):
            if lines:
                with path.open("ab") as file:
                    file.write("".join(lines).encode("ascii"))
