"""What a row has and no record holds: told once a file, with the number of rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tunery.data.findings import Finding, Place
from tunery.data.wording import quote


def unused_keys(
    value: dict[str, object],
    known: Collection[str],
    place: Place,
    group: str,
    what: str,
    inside: str = "",
) -> Iterator[Finding]:
    """A finding for each key that the format does not have; null counts as absent.

    Args:
        value: The object.
        known: Keys that the format reads.
        place: Where the row stands.
        group: First half of the finding's code.
        what: The format's name in a sentence.
        inside: Key of the object in the row; empty for the row itself.
    """
    for key, held in value.items():
        if key not in known and held is not None:
            name = quote(f"{inside}.{key}" if inside else key)
            yield place.found(
                f"{group}.unknown_key",
                f"the key {name} is not part of the {what} format and is not used",
                "Nothing to do if it holds notes; check the spelling if not.",
            )
