"""The `sweep` section: which values of a run are searched."""

from __future__ import annotations

from pydantic import Field

from tunery.config.section import Section

Value = int | float | str | bool | None


class SearchKey(Section):
    """A key and the values that are tried for it: a range, or choices."""

    key: str
    """The key with its section, such as `train.learning_rate`."""

    low: int | float | None = None
    """Lowest value of a range."""

    high: int | float | None = None
    """Highest value of a range."""

    log: bool = False
    """Draw from the range by orders of magnitude."""

    choices: tuple[Value, ...] | None = None
    """Instead of a range: the values."""


class SweepSection(Section):
    """Which values `tunery sweep` tries."""

    search: tuple[SearchKey, ...] = Field(min_length=1)
    """Keys of `train` and `method`, each with a range, `{key: train.learning_rate, low: 1e-4,
    high: 1e-2, log: true}`, or with choices, `{key: method.rank, choices: [8, 16, 32]}`. A range
    between whole numbers gives whole numbers."""

    trials: int = Field(default=12, ge=1)
    """Trainings in all; those that are cut short count too."""

    prune: bool = True
    """Ends a trial whose validation loss is above the median of the earlier trials at the same
    validation."""
