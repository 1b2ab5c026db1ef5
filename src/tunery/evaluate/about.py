"""What a report says about the run that it reports on, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tunery.data.sources.fingerprint import fingerprint


@dataclass(frozen=True, slots=True)
class Curves:
    """Losses as training saw them, in nats a token.

    Attributes:
        train_loss: (optimizer step, loss of that step), in order.
        validation_loss: (optimizer step, loss on the validation rows), in order.
    """

    train_loss: list[tuple[int, float]] = field(default_factory=list)
    validation_loss: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that the run read.

    Attributes:
        role: What it was for: "train", "validation", "test".
        path: As the user gave it.
        sha256: Of its bytes, in hexadecimal.
        size_bytes: Its size.
        rows: Rows used from it; None if not counted.
    """

    role: str
    path: str
    sha256: str
    size_bytes: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class HardRow:
    """A training row with a high loss: a hard one, or one whose answer is wrong.

    Attributes:
        place: File and line.
        loss: Mean over its trained tokens when it was last trained, in nats.
        question: Start of the text that is answered.
        answer: Start of the answer that was to be learned.
    """

    place: str
    loss: float
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class About:
    """What was run. Everything but the title may stay empty; the report leaves it out then.

    Attributes:
        title: Name of the run.
        created: Date and time, as it shall be shown.
        model: Base model and where it came from.
        machine: Processor, cores, memory.
        data: Files that were read.
        settings: The run's resolved configuration: mappings, lists and plain values.
        versions: Library names and versions.
        seconds: Stages of the run and how long each took.
        peak_memory_bytes: Most memory in use at once; None if not measured.
        notes: Sentences that a reader should see, such as automatic choices with their reason.
        hardest: Training rows with the highest loss in the last epoch, the highest first.
    """

    title: str
    created: str = ""
    model: str = ""
    machine: str = ""
    data: tuple[DataFile, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    notes: tuple[str, ...] = ()
    hardest: tuple[HardRow, ...] = ()


def describe_file(role: str, path: Path, rows: int | None = None) -> DataFile:
    """Takes the fingerprint of a data file.

    Args:
        role: What it was for: "train", "validation", "test".
        path: The file, or a folder of them.
        rows: Rows used from it.
    """
    found = fingerprint(path)
    return DataFile(role, str(path), found.sha256, found.size_bytes, rows)
