"""All that was asked and answered in a run, as a file that grows: the run goes on from it.

The rows are made anew from the answers each time, so the ledger is the one record that counts. A
line that a crash cut off is as if it was never written: the request is then asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tunery.data.generate.candidate import Problem
from tunery.data.generate.teacher import Answer, Usage
from tunery.errors import DataError, MismatchError, UserError
from tunery.track.event_log import EventLog

_FIRST = b'{"event": "opened"'


@dataclass(frozen=True, slots=True)
class Sent:
    """A request went out.

    Attributes:
        ordinal: Number of the ask.
        most: The most that it can take.
    """

    ordinal: int
    most: Usage


@dataclass(frozen=True, slots=True)
class Answered:
    """A request came to its end.

    Attributes:
        ordinal: Number of the ask.
        count: Rows that were asked for.
        date: When the answer came, ISO 8601.
        answer: The answer.
    """

    ordinal: int
    count: int
    date: str
    answer: Answer


class Ledger:
    """The file. Use it in `hold`, so that no second process writes to it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = EventLog(path)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps other processes away.

        Raises:
            UserError: Another process holds it.
        """
        lock = FileLock(f"{self.path}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise UserError(
                f"Another process writes to {self.path}.",
                "Wait for it, or give another --out.",
            ) from None
        try:
            yield
        finally:
            lock.release()

    def open(self, about: Mapping[str, object]) -> list[Sent | Answered]:
        """Begins a ledger, or reads the one that is there.

        Args:
            about: What makes a run's rows what they are.

        Raises:
            MismatchError: The ledger is of a run that differs in that.
            DataError: The file is no ledger.
        """
        if self._is_unbegun():
            self._log.write("opened", about)
            return []
        try:
            events = self._log.read()
            if not events or events[0]["event"] != "opened":
                raise KeyError("opened")
            self._compare(events[0], about)
            return [_parsed(event) for event in events[1:]]
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{self.path} is not the journal of a `tunery data generate`.",
                "Give another --out, or remove the file.",
            ) from error

    def sent(self, sent: Sent) -> None:
        """Notes a request before it goes out."""
        self._log.write("sent", {"ask": sent.ordinal, "most": _usage_values(sent.most)})

    def answered(self, answered: Answered) -> None:
        """Notes what became of a request."""
        answer = answered.answer
        self._log.write(
            "answered",
            {
                "ask": answered.ordinal,
                "count": answered.count,
                "date": answered.date,
                "value": answer.value,
                "problem": [answer.problem.reason, answer.problem.message]
                if answer.problem
                else None,
                "usage": _usage_values(answer.usage) if answer.usage else None,
                "mode": answer.mode,
                "request_id": answer.request_id,
                "text": answer.text if answer.problem else "",
            },
        )

    def _is_unbegun(self) -> bool:
        """Whether there is no file, or one that a crash left before its first line was whole."""
        content = self.path.read_bytes() if self.path.exists() else b""
        return b"\n" not in content and content[: len(_FIRST)] == _FIRST[: len(content)]

    def _compare(self, opened: Mapping[str, object], about: Mapping[str, object]) -> None:
        for name, now in about.items():
            if (before := opened[name]) != now:
                raise MismatchError(
                    f"{self.path} was begun with {name} {before!r:.200}, now it is {now!r:.200}.",
                    "Go on with the same options and documents, or give another --out.",
                )


def _parsed(event: Mapping[str, Any]) -> Sent | Answered:
    if event["event"] == "sent":
        return Sent(event["ask"], Usage(*event["most"]))
    answer = Answer(
        event["value"],
        Problem(*event["problem"]) if event["problem"] else None,
        Usage(*event["usage"]) if event["usage"] else None,
        event["mode"],
        event["request_id"],
        event["text"],
    )
    return Answered(event["ask"], event["count"], event["date"], answer)


def _usage_values(usage: Usage) -> list[int | bool]:
    return [usage.prompt_tokens, usage.completion_tokens, usage.known]
