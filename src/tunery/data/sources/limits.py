"""How much of a file is taken, and what stops the reading of the rest of it."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
BLOCK_BYTES = MIB
"""What is read at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that no honest file of training rows meets.

    Attributes:
        line_bytes: Longest line, or row of an array.
        ratio: Unpacked bytes for each packed one. Rows that share a long system prompt reach
            about 200; gzip can at most reach 1032, zstd 100,000 and more.
        unpacked_bytes: From here on the ratio counts.
        total_bytes: Unpacked bytes of one file.
    """

    line_bytes: int = 64 * MIB
    ratio: int = 500
    unpacked_bytes: int = 256 * MIB
    total_bytes: int = 1024 * 1024 * MIB


LIMITS = Limits()


class Damaged(Exception):
    """The rest of a file cannot be read; what came before it can be used.

    Args:
        code: Code of the finding that tells it.
        message: What was found and what was expected.
        hint: What to do about it.
        line: Line at which reading ended, from 1; 0 if whoever raises it counts no lines.
    """

    def __init__(self, code: str, message: str, hint: str, line: int = 0) -> None:
        super().__init__(code, message, hint, line)
        self.code = code
        self.message = message
        self.hint = hint
        self.line = line
