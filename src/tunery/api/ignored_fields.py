"""Request fields that have no effect here, told once each."""

from __future__ import annotations

import logging
from collections.abc import Iterable

_log = logging.getLogger(__name__)

_NAMES_KEPT = 1000


class IgnoredFields:
    """Remembers which ignored fields the log has named already.

    Clients send the same fields with each request, and one line a field is enough. Names come
    from outside, so that only the first thousand are kept and logged.
    """

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, names: Iterable[str]) -> None:
        """Logs those of `names` that were not logged before."""
        for name in names:
            if name not in self._told and len(self._told) < _NAMES_KEPT:
                self._told.add(name)
                _log.warning("The request field %.100r has no effect here and is ignored.", name)
