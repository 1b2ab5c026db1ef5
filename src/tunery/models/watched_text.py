"""Texts that note what a chat template asks of them, to learn how it treats any text.

A template that only writes a message's text, or trims it, writes every text in the same place. One
that asks questions (`'</think>' in content`) does so as long as the answers are the same. One that
looks at characters or lengths may do anything, and is told apart here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Test = tuple[Literal["has", "starts", "ends", "is"], str]
"""A question that was asked of a text: does it hold, start with, end with, equal a text."""

TRIMMED = (None, "\n")
"""What may be trimmed: white space, or line breaks only."""


class LooksInsideError(Exception):
    """The template reads a text in a way that cannot be foreseen for other texts."""


@dataclass(slots=True)
class Watch:
    """What was asked of the watched texts.

    Attributes:
        tests: The questions that were asked, all answered with no.
        trims: The characters that were trimmed; None is white space.
    """

    tests: set[Test] = field(default_factory=set)
    trims: set[str | None] = field(default_factory=set)


class WatchedText(str):
    """A text that tells its `Watch` what is asked of it.

    It answers no to every question, is true (texts that are empty are not watched), and raises
    `LooksInsideError` when it is read in any other way than written, joined or trimmed.
    """

    watch: Watch | None

    def watched_by(self, watch: Watch | None) -> WatchedText:
        """Itself, with a watch; without one it may only be written and joined."""
        self.watch = watch
        return self

    def _ask(self, kind: Literal["has", "starts", "ends", "is"], text: object) -> bool:
        options = text if isinstance(text, tuple) else (text,)
        if self.watch is None or not all(type(option) is str for option in options):
            raise LooksInsideError
        self.watch.tests.update((kind, option) for option in options)
        return False

    def _trim(self, characters: object) -> WatchedText:
        if self.watch is None or characters not in TRIMMED:
            raise LooksInsideError
        self.watch.trims.add(None if characters is None else "\n")
        return WatchedText(self).watched_by(self.watch)

    def __bool__(self) -> bool:
        return True

    def __hash__(self) -> int:
        raise LooksInsideError

    def __contains__(self, text: object) -> bool:
        return self._ask("has", text)

    def __eq__(self, other: object) -> bool:
        return self._ask("is", other) if isinstance(other, str) else False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __iter__(self) -> Iterator[str]:
        def characters() -> Iterator[str]:
            raise LooksInsideError
            yield ""

        return characters()  # `is iterable` asks for it and does not go on

    def __add__(self, other: object) -> WatchedText:
        return self._joined(str.__add__, other)

    def __radd__(self, other: object) -> WatchedText:
        return self._joined(lambda mine, others: others + mine, other)

    def _joined(self, join: Callable[[str, str], str], other: object) -> WatchedText:
        if not isinstance(other, str):
            raise LooksInsideError
        # What holds for the whole says little about its part, so the whole has no watch.
        return WatchedText(join(str.__str__(self), str.__str__(other))).watched_by(None)

    def startswith(self, prefix: Any, *limits: Any) -> bool:
        """Answers no."""
        return self._ask("starts", prefix) if not limits else _unforeseen()

    def endswith(self, suffix: Any, *limits: Any) -> bool:
        """Answers no."""
        return self._ask("ends", suffix) if not limits else _unforeseen()

    def strip(self, chars: Any = None, /) -> WatchedText:
        """Itself; the trim is noted."""
        return self._trim(chars)

    def lstrip(self, chars: Any = None, /) -> WatchedText:
        """Itself; the trim is noted."""
        return self._trim(chars)

    def rstrip(self, chars: Any = None, /) -> WatchedText:
        """Itself; the trim is noted."""
        return self._trim(chars)


def _unforeseen(*_args: Any, **_options: Any) -> Any:
    raise LooksInsideError


# What a text needs to be a text at all; the rest of its methods look inside.
_ORDER = {"__lt__", "__le__", "__gt__", "__ge__"}
_HARMLESS = (
    {*dir(object), "__getnewargs__"} - {"__eq__", "__ne__", "__hash__", "__format__"} - _ORDER
)
for _name in set(dir(str)) - set(vars(WatchedText)) - _HARMLESS:
    setattr(WatchedText, _name, _unforeseen)


def holds(test: Test, text: str) -> bool:
    """What a text itself answers."""
    kind, asked = test
    if kind == "has":
        return asked in text
    if kind == "starts":
        return text.startswith(asked)
    return text.endswith(asked) if kind == "ends" else text == asked
