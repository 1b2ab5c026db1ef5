"""Secrets and personal data in a row: named by kind and turn, never shown."""

from __future__ import annotations

from collections.abc import Iterable

from tunery.data.checks.sensitive import Group, may_hold, spans
from tunery.data.checks.texts import turns_of, whole_text
from tunery.data.findings import Finding, Place
from tunery.data.records import Record, Reinforcement

_HINTS: dict[Group, str] = {
    "secret": "Revoke it, and write a masked copy with `--redact`: models repeat what they learn.",
    "personal": "Ask whether the model may learn it; `--redact` writes a masked copy.",
}
_SAID: dict[Group, str] = {"secret": "a secret", "personal": "personal data"}


def check_privacy(record: Record, place: Place) -> Iterable[Finding]:
    """At most one finding for secrets and one for personal data, with all kinds in it."""
    if not may_hold(whole_text(record)[1]):
        return ()
    kinds: dict[Group, dict[str, None]] = {}
    for where, text in _texts(record):
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


def _texts(record: Record) -> Iterable[tuple[str, str]]:
    for number, turn in enumerate(turns_of(record), start=1):
        yield f"message {number}, {turn.role}", turn.content
        for call in turn.tool_calls:
            yield f"message {number}, a call", call.arguments
    if isinstance(record, Reinforcement):
        yield "the item", record.item
