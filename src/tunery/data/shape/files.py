"""Data files split, mixed and freed of duplicates: rows in = rows out + rows listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tunery.data.findings import Finding
from tunery.data.shape.duplicates import Duplicate, Near, find_duplicates
from tunery.data.shape.identity import answer_of, question_of
from tunery.data.shape.lines import new_file
from tunery.data.shape.mix import largest_mix, mix
from tunery.data.shape.parts import divide
from tunery.data.shape.sample import sample
from tunery.data.shape.source import Source, read_source, values_of
from tunery.errors import DataError, UserError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How a file shall be split.

    Attributes:
        shares: Of training, validation and test rows against each other; 0 leaves a part out.
        seed: Chooses the rows.
        group_by: Key or column whose equal values stay together; None for equal questions.
        label: Key or column of which each part gets its share; empty for the answer itself, None
            for nothing.
        limit: Rows to take of the file; None for all.
        first: Take the first rows rather than a seeded sample.
    """

    shares: Sequence[float]
    seed: int = 0
    group_by: str | None = None
    label: str | None = None
    limit: int | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a split.

    Attributes:
        name: "train", "validation" or "test".
        file: Where it was written.
        rows: Rows in it.
        wanted: Rows that its share would be, a fraction mostly.
        labels: Rows of each label; empty if none were named.
    """

    name: str
    file: Path
    rows: int
    wanted: float
    labels: dict[str, int]


@dataclass(frozen=True, slots=True)
class SplitResult:
    """What a split made.

    Attributes:
        parts: Those with a share.
        total: Rows in the file: those of the parts, `listed` and `not_taken`.
        listed: First error of each row that could not be used.
        not_taken: Rows beyond the limit.
        groups: How many groups the rows of the parts are.
        without_key: Rows without the key to group by; those with one question stay together.
    """

    parts: tuple[Part, ...]
    total: int
    listed: tuple[Finding, ...]
    not_taken: int
    groups: int
    without_key: int


def split_file(path: Path, folder: Path, plan: SplitPlan, *, force: bool = False) -> SplitResult:
    """Writes the rows of a file into `train`, `validation` and `test` files in a folder.

    Args:
        path: A JSONL or CSV file.
        folder: Where to write; made if it is not there.
        plan: How to split.
        force: Replace files that are there.

    Raises:
        NotFoundError: There is no such file.
        DataError: It cannot be used, or not be split like this.
        UserError: A file is there already, or cannot be written.
    """
    if len(plan.shares) != len(PARTS):
        raise DataError(
            f"{len(plan.shares)} share(s) were given; expected three: train, validation, test.",
            "Give 80,10,10, or 80,0,20 to leave validation out.",
        )
    source = read_source(path)
    taken: Sequence[int] = range(len(source.rows))
    if plan.limit is not None:
        taken = sample(len(source.rows), plan.limit, None if plan.first else plan.seed)
    values: list[str | None] = [None] * len(source.rows)
    if plan.group_by is not None:
        values = values_of(source, plan.group_by)
    all_labels = None if plan.label is None else _labels(source, plan.label)
    groups = [values[row] or question_of(source.rows[row]) for row in taken]
    labels = None if all_labels is None else [all_labels[index] for index in taken]
    places = divide(groups, plan.shares, plan.seed, labels)
    parts = []
    with ExitStack() as writing:
        _make(folder)
        for number, (name, share) in enumerate(zip(PARTS, plan.shares, strict=True)):
            if not share:
                continue
            rows = [row for row, place in zip(taken, places, strict=True) if place == number]
            file = folder / f"{name}{path.suffix}"
            out = writing.enter_context(new_file(file, inputs=[path], force=force))
            out.write(source.file.header)
            out.writelines(source.bytes_of(rows))
            counts = Counter(all_labels[row] for row in rows) if all_labels else Counter[str]()
            wanted = len(taken) * share / sum(plan.shares)
            parts.append(Part(name, file, len(rows), wanted, dict(sorted(counts.items()))))
    return SplitResult(
        parts=tuple(parts),
        total=source.total,
        listed=source.listed,
        not_taken=len(source.rows) - len(taken),
        groups=len(set(groups)),
        without_key=0 if plan.group_by is None else sum(values[row] is None for row in taken),
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Name another one."
        ) from None


def _labels(source: Source, key: str) -> list[str]:
    """The label of each row."""
    if key:
        return [value or "" for value in values_of(source, key)]
    labels = [answer_of(row) for row in source.rows]
    if len(set(labels)) * 2 > len(labels):
        raise DataError(
            f"{source.file.path} has {len(set(labels))} different answers in {len(labels)} rows; "
            "expected labels, each the answer of several rows.",
            "Name the key or column that holds the label, or split without labels.",
        )
    return labels


@dataclass(frozen=True, slots=True)
class MixedFile:
    """What a mix took of a file.

    Attributes:
        file: The file.
        weight: Its weight.
        total: Rows in it.
        listed: First error of each row that could not be used.
        taken: Rows in the mix, repeated ones counted each time.
        different: Different rows in the mix.
    """

    file: Path
    weight: float
    total: int
    listed: tuple[Finding, ...]
    taken: int
    different: int


def mix_files(
    files: Sequence[tuple[Path, float]],
    out: Path,
    rows: int | None,
    seed: int,
    *,
    force: bool = False,
) -> tuple[MixedFile, ...]:
    """Writes rows of several files into one, shuffled, in the proportion of their weights.

    Args:
        files: Each with its weight.
        out: Where to write.
        rows: How many; None for as many as there are without a repetition.
        seed: Chooses the rows and their order.
        force: Replace a file that is there.

    Raises:
        NotFoundError: A file is not there.
        DataError: A file cannot be used, or they do not fit together.
        UserError: The output is there already, or cannot be written.
    """
    sources = [read_source(path) for path, _ in files]
    kinds = {(source.format, source.file.header) for source in sources}
    if len(kinds) > 1:
        raise DataError(
            f"The files have different formats or headers: "
            f"{', '.join(f'{s.file.path} {s.format}' for s in sources)}.",
            "Convert them to one format; CSV files need one header.",
        )
    sizes = [len(source.rows) for source in sources]
    weights = [weight for _, weight in files]
    chosen = mix(sizes, weights, largest_mix(sizes, weights) if rows is None else rows, seed)
    with new_file(out, inputs=[path for path, _ in files], force=force) as target:
        target.write(sources[0].file.header)
        lines = [
            source.bytes_of([row for file, row in chosen if file == index])
            for index, source in enumerate(sources)
        ]
        target.writelines(next(lines[file]) for file, _ in chosen)
    taken = Counter(file for file, _ in chosen)
    different = Counter(file for file, _ in set(chosen))
    return tuple(
        MixedFile(path, weight, source.total, source.listed, taken[index], different[index])
        for index, ((path, weight), source) in enumerate(zip(files, sources, strict=True))
    )


@dataclass(frozen=True, slots=True)
class DedupeResult:
    """What is left of a file without its duplicates.

    Attributes:
        total: Rows in the file: `kept`, `dropped` and `listed`.
        kept: Rows written.
        dropped: Rows left out, `row` and `of` being lines of the file.
        listed: First error of each row that could not be used.
    """

    total: int
    kept: int
    dropped: tuple[Duplicate, ...]
    listed: tuple[Finding, ...]


def dedupe_file(
    path: Path, out: Path, near: Near | None = None, *, force: bool = False
) -> DedupeResult:
    """Writes the rows of a file without those that an earlier row stands for.

    Args:
        path: A JSONL or CSV file.
        out: Where to write.
        near: Finds near duplicates; none are looked for by default.
        force: Replace a file that is there.

    Raises:
        NotFoundError: There is no such file.
        DataError: It cannot be used.
        UserError: The output is there already, or cannot be written.
    """
    source = read_source(path)
    found = find_duplicates(source.rows, near)
    gone = {duplicate.row for duplicate in found}
    kept = [index for index in range(len(source.rows)) if index not in gone]
    with new_file(out, inputs=[path], force=force) as target:
        target.write(source.file.header)
        target.writelines(source.bytes_of(kept))
    dropped = tuple(
        Duplicate(source.rows[d.row].line, source.rows[d.of].line, d.exact) for d in found
    )
    return DedupeResult(source.total, len(kept), dropped, source.listed)
