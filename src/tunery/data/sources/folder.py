"""A folder of data files: shards, or what `datasets` saved with `save_to_disk`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tunery.data.sources.local_file import told
from tunery.data.sources.shards import Shards, choose, is_split
from tunery.data.wording import listed
from tunery.errors import DataError

_MOST_FILES = 100_000
_STATE, _SPLITS = "state.json", "dataset_dict.json"
_MOST_STATE_BYTES = 16 * 1024 * 1024


def find_folder(path: Path) -> tuple[Path, str] | None:
    """The folder that a path names, and the set of files in it; None if it names none.

    A path that is not there may name a split: `data/train` is what `data` holds for training.

    Raises:
        DataError: The path may not be looked at.
    """
    with told(str(path)):
        if path.is_dir():
            return path, ""
        if is_split(path.name) and not path.exists():
            for folder in (path.parent, path.parent.parent):
                if folder.is_dir():
                    return folder, path.relative_to(folder).as_posix()
    return None


def shards_of_folder(folder: Path, wanted: str) -> Shards:
    """The files of a folder that hold one set of rows.

    Args:
        folder: The folder.
        wanted: Name of the set; "" if there should be only one.

    Raises:
        DataError: As for `choose`, or what `datasets` saved cannot be read.
    """
    with told(str(folder)):
        if wanted == "" and (folder / _STATE).is_file():
            return _saved(folder)
        if wanted == "" and (folder / _SPLITS).is_file():
            splits = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
            raise DataError(
                f"{folder} holds the splits {listed(splits)}; expected one.",
                f"Name one: {folder / (splits[-1] if splits else 'train')}",
            )
        return choose(_files(folder), wanted, str(folder))


def _saved(folder: Path) -> Shards:
    """The files that `state.json` lists, which are in its order."""
    bad = DataError(
        f"{folder / _STATE} does not list the data files as `save_to_disk` writes them.",
        "Save the data set again, or export it with to_json.",
    )
    try:
        with (folder / _STATE).open("rb") as file:
            state = json.loads(file.read(_MOST_STATE_BYTES))
        names = [entry["filename"] for entry in state["_data_files"]]
        chosen = state.get("_indices_data_files")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise bad from None
    if not names or any(not isinstance(name, str) or Path(name).name != name for name in names):
        raise bad
    if chosen:
        raise DataError(
            f"{folder} holds a choice of rows, not the rows themselves.",
            "Call flatten_indices() before save_to_disk().",
        )
    return Shards("", tuple(names))


def _files(folder: Path) -> list[str]:
    """All files below a folder; links to other folders are not followed."""
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        found += [(Path(place) / name).relative_to(folder).as_posix() for name in files]
        if len(found) > _MOST_FILES:
            raise DataError(
                f"{folder} holds more than {_MOST_FILES:,} files; expected a folder of data.",
                "Name the folder that directly holds the data files.",
            )
    return found
