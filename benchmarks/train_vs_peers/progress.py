"""Says what is going on, apart from the result, which alone goes to standard output."""

from __future__ import annotations

import sys


def tell(text: str) -> None:
    """Writes a line to standard error."""
    print(text, file=sys.stderr, flush=True)
