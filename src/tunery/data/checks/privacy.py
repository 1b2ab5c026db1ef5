"""Secrets and personal data in a row: named by kind and turn, never shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from tunery.data.checks.sensitive import Group, may_hold, spans
from tunery.data.checks.texts import turns_of
from tunery.data.findings import Finding, Place
from tunery.data.records import Record, Reinforcement

_HINTS: dict[Group, str] = {
    "secret": "Revoke it, and write a masked copy with `--redact`: models repeat what they learn.",
    "personal": "Ask whether the model may learn it; `--redact` writes a masked copy.",
}
_SAID: dict[Group, str] = {"secret": "a secret", "personal": "personal data"}


def check_privacy(record: Record, place: Place) -> Iterable[Finding]:
    """At most one finding for secrets and one for personal data, with all kinds in it."""
    suspects = list(_suspects(record))
    if not suspects:
        return ()
    kinds: dict[Group, dict[str, None]] = {}
    for where, text in suspects:
        for span in spans(text):
            kinds.setdefault(span.group, {})[f"{span.kind} ({where})"] = None
    return [
        place.found(
            f"privacy.{group}",
            f"the row holds what looks like {_SAID[group]}: {', '.join(named)}",
            _HINTS[group],
        )
        for group, named in kinds.items()
    ]


@lru_cache(maxsize=1_024)
def _shared_may_hold(text: str) -> bool:
    return may_hold(text)


def _suspects(record: Record) -> Iterator[tuple[str, str]]:
    """The texts that need a closer look, and where they stand."""
    for number, turn in enumerate(turns_of(record), start=1):
        # Rows share their system prompts.
        if (_shared_may_hold if turn.role == "system" else may_hold)(turn.content):
            yield f"message {number}, {turn.role}", turn.content
        for call in turn.tool_calls:
            if may_hold(call.arguments):
                yield f"message {number}, a call", call.arguments
    if isinstance(record, Reinforcement) and may_hold(record.item):
        yield "the item", record.item
