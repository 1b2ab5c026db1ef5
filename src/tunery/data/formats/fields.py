"""The texts of a row that has one text under each key, and what is wrong with them."""

from __future__ import annotations

from tunery.data.findings import Finding, Place
from tunery.data.formats.chat_message import nearest_key
from tunery.data.wording import kind_of


class TextFields:
    """Reads texts by their keys and keeps what is wrong with them.

    Args:
        value: The row.
        place: Where it stands.
        group: First half of the codes of its findings.
        keys: The keys that the format has; a near miss is looked for among the others.
    """

    def __init__(
        self, value: dict[str, object], place: Place, group: str, keys: tuple[str, ...]
    ) -> None:
        self.value = value
        self.place = place
        self.group = group
        self.findings: list[Finding] = []
        self._others = {key: held for key, held in value.items() if key not in keys}

    def needed(self, key: str) -> str:
        """The text, possibly empty; "" and a finding if there is none."""
        if key in self.value:
            return self._text(key)
        self.findings.append(
            self.place.found(
                f"{self.group}.missing_key",
                f'the row has no "{key}"; expected a text',
                nearest_key(key, self._others) or f'Add "{key}" to the row.',
            )
        )
        return ""

    def optional(self, key: str) -> str:
        """The text; "" if the key is absent or null."""
        return "" if self.value.get(key) is None else self._text(key)

    def filled(self, key: str, empty: str) -> str:
        """The text, which may not be blank.

        Args:
            key: Its key.
            empty: Second half of the code if it is.
        """
        text = self.needed(key)
        if isinstance(self.value.get(key), str) and not text.strip():
            code = f"{self.group}.{empty}"
            self.findings.append(empty_text(code, f'"{key}"', self.place))
        return text

    def _text(self, key: str) -> str:
        text = self.value[key]
        if isinstance(text, str):
            return text
        hint = "Write it as a text."
        if isinstance(text, int | float):
            hint = 'Put it in quotes if it is meant as text ("42").'
        self.findings.append(
            self.place.found(
                f"{self.group}.not_text", f'"{key}" is {kind_of(text)}; expected a text', hint
            )
        )
        return ""


def empty_text(code: str, name: str, place: Place) -> Finding:
    """The finding for a row in which a text that it needs is empty.

    Args:
        code: The finding's code.
        name: What the user calls the text: a key in quotes.
        place: Where the row stands.
    """
    return place.found(
        code, f"{name} is empty; expected a text", "Write the text, or remove the row."
    )
