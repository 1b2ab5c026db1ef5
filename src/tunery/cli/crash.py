"""Where the traceback of an unexpected error goes, for a person to look at or to report."""

from __future__ import annotations

import os
import platform
import re
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

# Shorter values, such as "1" or "true", stand in many places that are no secret.
MIN_SECRET_CHARACTERS = 6
_SECRET_NAME = re.compile("KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)


def tunery_version() -> str:
    """The version of the installed package."""
    from importlib.metadata import PackageNotFoundError, version  # slow, and seldom needed

    try:
        return version("tunery")
    except PackageNotFoundError:
        return "unknown (run without being installed)"


def save_crash(error: BaseException, command: str, environ: Mapping[str, str]) -> Path | None:
    """Writes the traceback of an error into `logs` of the home folder.

    Values of arguments and variables are not written, and what the environment keeps secret is
    blotted out where the error's own message repeats it.

    Args:
        error: What was raised.
        command: Names of the command, without its arguments.
        environ: The environment, for the home folder and the secrets.

    Returns:
        The file; in the folder for temporary files if the home folder cannot be written, and
        None if that one cannot be written either.
    """
    text = "\n".join(
        (
            f"tunery {tunery_version()}, Python {platform.python_version()}, {platform.platform()}",
            f"command: {command}",
            "",
            "".join(traceback.format_exception(error)),
        )
    )
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for folder in _folders(environ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(without_secrets(text, environ), "utf-8", "backslashreplace")
        except OSError:
            continue
        return folder / name
    return None


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """A text in which the values of variables such as `HF_TOKEN` are blotted out."""
    secrets = {
        value
        for name, value in environ.items()
        if _SECRET_NAME.search(name) and len(value) >= MIN_SECRET_CHARACTERS
    }
    # The longest first, for one may be part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def _folders(environ: Mapping[str, str]) -> list[Path]:
    from tunery.config.settings import read_settings
    from tunery.errors import TuneryError

    temporary = Path(tempfile.gettempdir())
    try:
        return [read_settings(environ).home / "logs", temporary]
    except TuneryError:
        return [temporary]
