"""Secrets and personal data replaced by placeholders."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from tunery.data.checks.sensitive import spans
from tunery.data.checks.texts import Turns
from tunery.data.conversation import Message
from tunery.data.records import Judged, Preference, Record, Reinforcement, Text


def redact(record: Record) -> tuple[Record, list[str]]:
    """Masks what `privacy` finds, as in `[EMAIL_1]`; equal values get equal numbers within a row.

    Arguments of calls and the item of a reinforcement row stay valid JSON: a number that is
    masked becomes a text. Tool lists are left as they are.

    Returns:
        The masked record, the same one if there was nothing to mask; and what was masked, such as
        "2 x an e-mail address".
    """
    masks = _Masks()
    masked = _masked(record, masks)
    if not masks.done:
        return record, []
    return masked, [f"{count} x {kind}" for kind, count in masks.done.items()]


def _masked(record: Record, masks: _Masks) -> Record:
    if isinstance(record, Text):
        return replace(record, text=masks.of_text(record.text))
    if isinstance(record, Preference):
        return replace(
            record,
            prompt=_turns(record.prompt, masks),
            chosen=_turns(record.chosen, masks),
            rejected=_turns(record.rejected, masks),
        )
    if isinstance(record, Judged):
        prompt, completion = _turns(record.prompt, masks), _turns(record.completion, masks)
        return replace(record, prompt=prompt, completion=completion)
    if isinstance(record, Reinforcement):
        return replace(record, prompt=_turns(record.prompt, masks), item=masks.of_json(record.item))
    return replace(record, messages=_turns(record.messages, masks))


def _turns(turns: Turns, masks: _Masks) -> Turns:
    return tuple(_turn(turn, masks) for turn in turns)


def _turn(turn: Message, masks: _Masks) -> Message:
    calls = tuple(
        replace(call, arguments=masks.of_json(call.arguments)) for call in turn.tool_calls
    )
    return replace(turn, content=masks.of_text(turn.content), tool_calls=calls)


@dataclass(slots=True)
class _Masks:
    """The placeholders of one row.

    Attributes:
        numbers: Of each kind of placeholder, the number of each value.
        done: How many pieces of each kind were masked.
    """

    numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def of_text(self, text: str) -> str:
        """The text with placeholders."""
        # A second look, since a key may have hidden behind the end of another.
        while found := spans(text):
            pieces, end = [], 0
            for span in found:
                known = self.numbers.setdefault(span.mask, {})
                number = known.setdefault(text[span.start : span.end], len(known) + 1)
                pieces += [text[end : span.start], f"[{span.mask}_{number}]"]
                end = span.end
                self.done[span.kind] += 1
            text = "".join([*pieces, text[end:]])
        return text

    def of_json(self, text: str) -> str:
        """JSON with placeholders in its texts; what is not JSON is treated as a text."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self.of_text(text)
        before = self.done.total()
        value = self._of_value(value)
        if self.done.total() == before:
            return text
        return json.dumps(value, ensure_ascii=False)

    def _of_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.of_text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            masked = self.of_text(str(value))
            return value if masked == str(value) else masked
        if isinstance(value, list):
            return [self._of_value(item) for item in value]
        if isinstance(value, dict):
            return {self.of_text(key): self._of_value(item) for key, item in value.items()}
        return value
