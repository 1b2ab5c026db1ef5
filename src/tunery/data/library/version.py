"""What the library knows of a data set, and its JSON on the disk."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tunery.config.dataset_name import DatasetName

_BLOB = re.compile(r"[0-9a-f]{64}(\.[a-z0-9_]{1,10}){0,2}")


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found in a file when it was added.

    Attributes:
        format: How its rows were read.
        rows: Rows in it.
        used: Rows without an error.
        findings: How often each code was found.
    """

    format: str
    rows: int
    used: int
    findings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a data set.

    Attributes:
        number: From 1; a number is never given twice.
        sha256: Of its bytes, in hexadecimal.
        size_bytes: Their number.
        ending: Ending of the file's name, such as `.jsonl`; by it the format is told.
        file: Name of the file that was added, without its folder.
        added: Unix time in seconds.
        contents: What was found in it.
        licence: Note of the user's; empty if none.
        source: Note of the user's on where it comes from; empty if none.
    """

    number: int
    sha256: str
    size_bytes: int
    ending: str
    file: str
    added: int
    contents: Contents
    licence: str = ""
    source: str = ""

    @property
    def blob(self) -> str:
        """Name of the file with its bytes."""
        return f"{self.sha256}{self.ending}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set with its versions.

    Attributes:
        name: What people call it.
        versions: The oldest first; empty once all were removed.
        next_number: Number of the version that is added next.
    """

    name: str
    versions: tuple[Version, ...] = ()
    next_number: int = 1

    @property
    def newest(self) -> Version:
        """The version that the bare name means."""
        return self.versions[-1]

    def named(self, version: Version) -> DatasetName:
        """The full name of a version."""
        return DatasetName(self.name, version.number)


def dump(dataset: Dataset) -> str:
    """A data set as JSON."""
    return json.dumps(asdict(dataset), indent=2) + "\n"


def parse(text: str) -> Dataset:
    """A data set from its JSON.

    Raises:
        ValueError: The JSON is not that of a data set.
    """
    try:
        value: dict[str, Any] = json.loads(text)
        versions = tuple(_version(version) for version in value["versions"])
        return Dataset(str(value["name"]), versions, int(value["next_number"]))
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _version(value: dict[str, Any]) -> Version:
    contents = Contents(**value["contents"])
    version = Version(**{**value, "contents": contents})
    if not _BLOB.fullmatch(version.blob) or version.number < 1:
        raise ValueError(f"version {version.number} has the blob {version.blob!r:.80}")
    return version
