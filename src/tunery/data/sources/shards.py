"""Many files that are one set of rows: which of a folder's files, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from tunery.data.wording import listed, nearest, quote
from tunery.errors import DataError, NotFoundError

DATA_ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow")
PACKED_ENDINGS = (".gz", ".zst")

# What `datasets` and the hub write beside the rows.
_ABOUT = frozenset(
    {"dataset_dict.json", "dataset_info.json", "dataset_infos.json", "state.json", "package.json"}
)
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLIT_OF = {word: split for split, words in _SPLITS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Shards:
    """Files that follow each other.

    Attributes:
        name: What they are among the folder's files, such as "train" or "main/test"; "" if
            nothing tells them from others.
        files: Their paths in the folder, in the order of their names.
    """

    name: str
    files: tuple[str, ...]


def ending_of(name: str) -> str:
    """The ending that tells what a file holds, in lower case and without that of its packing."""
    path = PurePosixPath(name.lower())
    if path.suffix in PACKED_ENDINGS:
        path = path.with_suffix("")
    return path.suffix


def is_split(word: str) -> bool:
    """Whether a word is the name of a split: train, val, test and the like."""
    return word.lower() in _SPLIT_OF


def choose(files: Iterable[str], wanted: str, folder: str) -> Shards:
    """The files of one split.

    The split of a file is the last word of its path that names one (train, val, test ...); files
    in different folders, other than `data`, are different sets.

    Args:
        files: Paths of all files in the folder, with "/" between their parts.
        wanted: Name of the set; "" if there should be only one.
        folder: What the user named, for messages.

    Raises:
        DataError: There are no data files, more than one set and none is named, or files of
            different kinds in one.
        NotFoundError: There is no set of that name.
    """
    sets: dict[str, list[str]] = {}
    for file in sorted(files):
        if _holds_rows(file):
            sets.setdefault(_set_of(file), []).append(file)
    if not sets:
        raise DataError(
            f"{folder} holds no data files; expected files that end in {', '.join(DATA_ENDINGS)}.",
            "Name a folder that directly holds them.",
        )
    names = sorted(name or "(the others)" for name in sets)
    name = wanted
    if not wanted and len(sets) > 1:
        raise DataError(
            f"{folder} holds several sets of rows: {listed(names)}; expected one.",
            f"Name one: {folder}/{names[-1] if 'train' not in sets else 'train'}",
        )
    if not wanted:
        [name] = sets
    elif wanted not in sets:
        near = nearest(wanted, sets)
        raise NotFoundError(
            f"{folder} has no set {quote(wanted)}; it has {listed(names)}.",
            f"Did you mean {quote(near)}?" if near else "Name one of them.",
        )
    chosen = sets[name]
    if len(kinds := sorted({ending_of(file) for file in chosen})) > 1:
        raise DataError(
            f"{folder} holds files of different kinds: {', '.join(kinds)}; expected one kind.",
            "Name one file, or put the files of each kind into a folder of their own.",
        )
    return Shards(name, tuple(chosen))


def _holds_rows(file: str) -> bool:
    path = PurePosixPath(file)
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and path.name not in _ABOUT and ending_of(file) in DATA_ENDINGS


def _set_of(file: str) -> str:
    path = PurePosixPath(file)
    folders = [part for part in path.parts[:-1] if part != "data"]
    words = re.split(r"[^a-z]+", path.name.lower().split(".")[0])
    split = next((_SPLIT_OF[word] for word in reversed(words) if word in _SPLIT_OF), "")
    if not split and folders and folders[-1].lower() in _SPLIT_OF:
        split = _SPLIT_OF[folders.pop().lower()]
    elif split and folders and _SPLIT_OF.get(folders[-1].lower()) == split:
        folders.pop()
    return "/".join([*folders, split] if split else folders)
