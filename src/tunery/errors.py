"""Every error that Tunery raises on purpose.

    TuneryError                 anything below; carries a message and a hint
    ├── UserError (ValueError)  what was given cannot be used; exit code 2, HTTP 400
    │   ├── ConfigError         a run's YAML: every problem at once, with its line
    │   ├── DataError           a data file, or its rows
    │   ├── NotFoundError       a model, run or file that is not there; HTTP 404
    │   └── MismatchError       a checkpoint or adapter made for something else
    ├── RunError (RuntimeError) the work itself failed; exit code 1, HTTP 500
    │   ├── FetchError          no source of a model could be reached or trusted
    │   └── DivergedError       the loss of a training is not a number, or rises beyond bounds
    └── PausedError             a run was asked to pause and can be resumed; exit code 75

A message says what was given and what was expected; `hint` says what to do. Doors show both and
never a traceback. To add one: choose its category by whose mistake it is, and draw it above.
"""

from __future__ import annotations


class TuneryError(Exception):
    """Anything that Tunery raises on purpose.

    Args:
        message: What was given and what was expected, one sentence.
        hint: What to do about it, one sentence; empty if the message says it all.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UserError(TuneryError, ValueError):
    """What was given cannot be used."""

    exit_code = 2


class ConfigError(UserError):
    """A run's configuration cannot be used; the message lists every problem, a line each."""


class DataError(UserError):
    """A data file, or its rows, cannot be used."""


class NotFoundError(UserError, LookupError):
    """A model, run or file of this name is not there."""


class MismatchError(UserError):
    """A checkpoint or adapter was made for something else; the message names both values."""


class RunError(TuneryError, RuntimeError):
    """The work itself failed."""


class FetchError(RunError):
    """No source of a model could be reached or trusted."""


class DivergedError(RunError):
    """A loss is not a number, or rises beyond bounds; the message names the step."""


class PausedError(TuneryError):
    """A run was asked to pause, and did: no failure, but not the end that was ordered either."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: to be tried again
