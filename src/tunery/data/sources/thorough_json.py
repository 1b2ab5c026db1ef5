"""JSON by the rules: what the usual parser would take in silence is noted."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import NamedTuple

from tunery.data.wording import quote


class Fault(NamedTuple):
    """What a value holds that JSON does not allow, or that cannot be kept.

    Attributes:
        code: Code of the finding that tells it.
        message: What was found and what was expected.
        hint: What to do about it.
    """

    code: str
    message: str
    hint: str


class ThoroughDecoder:
    """Decodes JSON text.

    Attributes:
        faults: Of the value that was decoded last, in the order in which they were met.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._json = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_float=self._float,
            parse_int=self._int,
        )

    def decode(self, text: str) -> object:
        """The value of a whole text.

        Raises:
            JSONDecodeError: It is not JSON.
            RecursionError: It is nested too deeply.
        """
        self.faults.clear()
        value: object = self._json.decode(text)
        return value

    def decode_at(self, text: str, start: int) -> tuple[object, int]:
        """The value that begins at a place in a text, and where it ends.

        Raises:
            JSONDecodeError: It is not JSON, or does not end in this text.
            RecursionError: It is nested too deeply.
        """
        self.faults.clear()
        value, end = self._json.raw_decode(text, start)
        return value, end

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        value = dict(pairs)
        if len(value) < len(pairs):
            [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
            message = f"the key {quote(key)} occurs twice in one object; expected it once"
            self.faults.append(Fault("json.duplicate_key", message, "Keep the one that is meant."))
        return value

    def _constant(self, name: str) -> None:
        self.faults.append(
            Fault(
                "json.not_finite",
                f"{name} is no JSON value; expected a number or null",
                "Write null where there is no number; in Python, json.dumps(..., "
                "allow_nan=False) tells where it comes from.",
            )
        )

    def _float(self, text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            self.faults.append(
                Fault(
                    "json.not_finite",
                    f"the number {quote(text)} is too large to be kept; expected at most 1.8e308",
                    "Write it as a text, or correct it.",
                )
            )
        return value

    def _int(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:  # more digits than Python converts
            message = f"not usable JSON: a number is too long ({len(text):,} digits)"
            self.faults.append(Fault("json.invalid", message, "Write it as a text, or correct it."))
            return 0
