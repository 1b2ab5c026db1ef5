"""The environment's settings, read once, at the start of a process.

settings = read_settings(os.environ)
settings.home / "models"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from tunery.config.section import Section
from tunery.errors import ConfigError

HOME_VARIABLES = ("TUNERY_HOME",)
OFFLINE_VARIABLES = ("TUNERY_OFFLINE", "HF_HUB_OFFLINE")

_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"", "0", "false", "no", "off"})


class Settings(Section):
    """What the environment says. A variable that is empty counts as not set."""

    home: Path = Field(json_schema_extra={"variables": list(HOME_VARIABLES)})
    """Folder for models, runs and everything else that Tunery keeps; `~/.tunery` by default.
    Set it to keep large files on another disk."""

    offline: bool = Field(default=False, json_schema_extra={"variables": list(OFFLINE_VARIABLES)})
    """`1` keeps Tunery off the network: models come from this machine or not at all. Either
    variable turns it on; the second one is Hugging Face's own."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Reads the settings.

    Args:
        environ: The environment, normally `os.environ`.

    Raises:
        ConfigError: A variable has a value that it cannot have; lists all of them.
    """
    problems: list[str] = []
    home = environ.get("TUNERY_HOME", "").strip() or "~/.tunery"
    try:
        folder = Path(home).expanduser().absolute()
    except RuntimeError:
        problems.append(f"TUNERY_HOME is {home!r}, but no home folder of that user is known")
        folder = Path()
    if folder.exists() and not folder.is_dir():
        problems.append(f"TUNERY_HOME is {home!r}, which is a file, expected a folder")
    offline = False
    for variable in OFFLINE_VARIABLES:
        value = environ.get(variable, "").strip()
        if value.lower() not in _ON | _OFF:
            problems.append(f"{variable} is {value!r}, expected 1 or 0")
        offline = offline or value.lower() in _ON
    if problems:
        raise ConfigError("\n".join(problems), "Correct the environment or unset the variable.")
    return Settings(home=folder, offline=offline)
