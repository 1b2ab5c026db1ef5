"""The text of a small YAML file that a user named."""

from __future__ import annotations

from pathlib import Path

from tunery.errors import ConfigError, NotFoundError

MAX_BYTES = 1_000_000
"""Such a file has a few kilobytes; a larger one is most likely something else."""


def read_text(path: Path, what: str, *, missing: str, large: str = "") -> str:
    """The text, without byte-order mark.

    Args:
        path: The file.
        what: What it should be, as in "configuration".
        missing: What to do if it cannot be read.
        large: What to do if it is too large; as `missing` by default.

    Raises:
        NotFoundError: It is not there.
        ConfigError: It cannot be read, is too large, or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"The {what} {path} is not there.", missing) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"The {what} {path} cannot be read: {reason}.", missing) from None
    if len(content) > MAX_BYTES:
        raise ConfigError(
            f"The {what} {path} has {len(content)} bytes, expected at most {MAX_BYTES}.",
            large or missing,
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: the text is not UTF-8 (byte {content[error.start]:#04x}).",
            "Save the file as UTF-8.",
        ) from None
