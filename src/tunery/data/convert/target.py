"""What a target format is: how it writes each kind of record, and how it is read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tunery.config.data import FormatName
from tunery.data.records import Kind

TargetName = Literal["openai", "alpaca", "sharegpt", "trl", "parquet"]
Object = dict[str, object]


class CannotHoldError(Exception):
    """The target has no place for something in the record; the message is a clause that says what.

    It does not leave this package: the row is listed.
    """


@dataclass(frozen=True, slots=True)
class Writer:
    """How a kind of record is written.

    Attributes:
        write: The row of a record; raises `CannotHoldError`.
        format: The format that reads it back.
    """

    write: Callable[..., Object]
    format: FormatName


Writers = dict[Kind, Writer]
