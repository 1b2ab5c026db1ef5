"""How a data set of the library is named: `support`, its newest version, or `support@v2`.

A configuration writes `library:support@v2` where it would write a path; a file that is really
called so is written `./library:support@v2`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tunery.errors import UserError

PREFIX = "library:"

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"v[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class DatasetName:
    """A data set, or one version of it.

    Attributes:
        name: Of the data set.
        version: Counted from 1; None means the newest.
    """

    name: str
    version: int | None = None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@v{self.version}"

    @property
    def path(self) -> Path:
        """What stands for it where a path is expected."""
        return Path(f"{PREFIX}{self}")


def dataset_of(path: str | Path) -> DatasetName | None:
    """The data set that stands where a path is expected; None if it is a path.

    Raises:
        UserError: It begins like one, but is none.
    """
    text = str(path)
    return parse_dataset(text[len(PREFIX) :]) if text.startswith(PREFIX) else None


def parse_dataset(text: str) -> DatasetName:
    """Reads `NAME` or `NAME@v2`; `library:` before it is taken too.

    Raises:
        UserError: It is not a name; says which of its rules it breaks.
    """
    name, at, version = text.removeprefix(PREFIX).partition("@")
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name!r:.80} is not a name of a data set; expected at most 64 lower-case letters, "
            "digits, '.', '_' and '-', a letter or digit first.",
            "Write it like support-tickets.",
        )
    if at and not _VERSION.fullmatch(version):
        raise UserError(
            f"{version!r:.80} is not a version of a data set; expected v1, v2 and so on.",
            f"Write {name}@v1, or {name} for the newest version.",
        )
    return DatasetName(name, int(version[1:]) if at else None)
