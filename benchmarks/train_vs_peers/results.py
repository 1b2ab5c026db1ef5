"""Measurements on disk, written as they come, so that a suite that failed goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.train_vs_peers.comparison import Measurement


def code_hash(paths: Iterable[Path]) -> str:
    """Names the content of files; other code is measured anew."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class Results:
    """Measurements in a folder, one file each.

    Args:
        folder: Made when the first one is written; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def load(self, name: str, setting: Mapping[str, Any]) -> Measurement | None:
        """A measurement of the same setting; None if there is none.

        Args:
            name: Of the measurement, such as `gsm8k/ours-1`.
            setting: Everything that it depends on; JSON values.
        """
        path = self._path(name)
        if path is None or not path.is_file():
            return None
        try:
            found = json.loads(path.read_text("utf-8"))
            if found["setting"] != json.loads(json.dumps(setting)):
                return None
            values = found["measurement"]
            return Measurement(**values | {"loss": tuple(values["loss"])})
        except (ValueError, LookupError, TypeError):
            return None  # cut short by what stopped the suite

    def save(self, name: str, setting: Mapping[str, Any], measurement: Measurement) -> None:
        """Writes a measurement; arguments as in `load`."""
        path = self._path(name)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"setting": dict(setting), "measurement": asdict(measurement)}
        path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")

    def _path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{name}.json"
