"""What a data file is made of, as far as shows without a tokenizer.

Profiles of parts of a file make one, in the order of the file; memory does not grow with its texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from tunery.data.checks.labels import Labels
from tunery.data.checks.texts import learned_turns, tools_of, turns_of
from tunery.data.conversation import Message
from tunery.data.findings import Place
from tunery.data.histogram import Histogram
from tunery.data.records import KIND_OF, Kind, Record

MOST_DISTINCT = 100_000
"""Most distinct texts of a sort (system prompts, lists of tools) that are told apart."""

MOST_TOOLS = 1_000
"""Most tools whose calls are counted by name."""


@dataclass(slots=True)
class RoleProfile:
    """The turns of one role.

    Attributes:
        turns: How many there are.
        rows: Rows that have at least one.
        characters: Characters of a turn.
        trained: Turns that are learned.
    """

    turns: int = 0
    rows: int = 0
    characters: Histogram = field(default_factory=Histogram)
    trained: int = 0


@dataclass(slots=True)
class Distinct:
    """How many different texts there were, and how often the most frequent one came.

    Attributes:
        counts: Occurrences by digest (BLAKE2b, 8 bytes).
        beyond: Occurrences of texts that came after `MOST_DISTINCT` others.
    """

    counts: dict[bytes, int] = field(default_factory=dict)
    beyond: int = 0

    def add(self, text: str) -> None:
        """Takes a text."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._count(digest, 1)

    def merge(self, other: Distinct) -> None:
        """Takes over what another counted."""
        for digest, times in other.counts.items():
            self._count(digest, times)
        self.beyond += other.beyond

    def _count(self, digest: bytes, times: int) -> None:
        if digest in self.counts or len(self.counts) < MOST_DISTINCT:
            self.counts[digest] = self.counts.get(digest, 0) + times
        else:
            self.beyond += times

    @property
    def number(self) -> int:
        """Different texts; at least so many if `beyond` is not 0."""
        return len(self.counts)

    @property
    def most(self) -> int:
        """Occurrences of the most frequent text."""
        return max(self.counts.values(), default=0)


@dataclass(slots=True)
class RowProfile:
    """The rows of a file, or of a part of it.

    Attributes:
        rows: How many there are.
        kinds: What they are for.
        turns: Turns of a row.
        characters: Characters of a row, in all its turns.
        roles: The turns by their role.
        systems: System prompts.
        tool_lists: Lists of tools, of rows that have one.
        calls: Calls of a row, of rows that have tools or calls.
        called: Calls by the name of the tool, for the first `MOST_TOOLS` names.
        uncounted_calls: Calls of tools beyond those.
        labels: Short answers.
    """

    rows: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    turns: Histogram = field(default_factory=Histogram)
    characters: Histogram = field(default_factory=Histogram)
    roles: dict[str, RoleProfile] = field(default_factory=dict)
    systems: Distinct = field(default_factory=Distinct)
    tool_lists: Distinct = field(default_factory=Distinct)
    calls: Histogram = field(default_factory=Histogram)
    called: Counter[str] = field(default_factory=Counter)
    uncounted_calls: int = 0
    labels: Labels = field(default_factory=Labels)

    def add(self, record: Record, place: Place) -> None:
        """Takes one row that can be used."""
        turns = turns_of(record)
        self.rows += 1
        self.kinds[KIND_OF[type(record)]] += 1
        self.turns.add(len(turns))
        self.characters.add(self._turns(turns, {id(turn) for turn in learned_turns(record)}))
        self._tools(turns, tools_of(record))
        self.labels.add(record, place)

    def _turns(self, turns: Iterable[Message], learned: set[int]) -> int:
        """Counts the turns; returns their characters."""
        total = 0
        met = set()
        for turn in turns:
            role = self.roles.get(turn.role)
            if role is None:
                role = self.roles[turn.role] = RoleProfile()
            if turn.role not in met:
                met.add(turn.role)
                role.rows += 1
            size = len(turn.content)
            total += size
            role.turns += 1
            role.characters.add(size)
            role.trained += id(turn) in learned
            if turn.role in ("system", "developer"):
                self.systems.add(turn.content)
        return total

    def _tools(self, turns: Iterable[Message], tools: str) -> None:
        names = [call.name for turn in turns if turn.tool_calls for call in turn.tool_calls]
        if tools:
            self.tool_lists.add(tools)
        if tools or names:
            self.calls.add(len(names))
        self._count_calls((name, 1) for name in names)

    def _count_calls(self, calls: Iterable[tuple[str, int]]) -> None:
        for name, times in calls:
            if name in self.called or len(self.called) < MOST_TOOLS:
                self.called[name] += times
            else:
                self.uncounted_calls += times

    def merge(self, other: RowProfile) -> None:
        """Takes over what is known of the rows that follow."""
        self.rows += other.rows
        self.kinds.update(other.kinds)
        for mine, theirs in (
            (self.turns, other.turns),
            (self.characters, other.characters),
            (self.calls, other.calls),
        ):
            mine.merge(theirs)
        for name, role in other.roles.items():
            own = self.roles.setdefault(name, RoleProfile())
            own.turns += role.turns
            own.rows += role.rows
            own.trained += role.trained
            own.characters.merge(role.characters)
        self.systems.merge(other.systems)
        self.tool_lists.merge(other.tool_lists)
        self._count_calls(other.called.items())
        self.uncounted_calls += other.uncounted_calls
        self.labels.merge(other.labels)
