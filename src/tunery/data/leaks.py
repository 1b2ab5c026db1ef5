"""Training rows beside the files that shall tell how well a model learned from them."""

from __future__ import annotations

from collections.abc import Sequence

from tunery.data.checks.labels import Labels, unseen_labels
from tunery.data.checks.leakage import SplitDigests, leaks
from tunery.data.file import DataFile
from tunery.data.findings import Finding, Place


def compare_files(
    train: DataFile, held_out: Sequence[DataFile], *, near: bool = True
) -> tuple[Finding, ...]:
    """Held-out rows that training has too, and labels that it has not.

    Args:
        train: The rows that are learned.
        held_out: Files of validation or test rows; the findings are about these.
        near: Look for rows that are nearly the same as well.

    Raises:
        DataError: A file as a whole cannot be used.
    """
    if not held_out:
        return ()
    learned, known = _seen(train, near)
    findings: list[Finding] = []
    for file in held_out:
        rows, labels = _seen(file, near)
        findings += [*leaks(learned, rows), *unseen_labels(known, labels)]
    return tuple(findings)


def _seen(file: DataFile, near: bool) -> tuple[SplitDigests, Labels]:
    rows, labels = SplitDigests(file=file.name, with_near=near), Labels(file=file.name)
    for row in file.rows():
        if row.record is not None:
            place = Place(file.name, row.line)
            rows.add(row.record, place)
            labels.add(row.record, place)
    return rows, labels
