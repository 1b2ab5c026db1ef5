"""The tuned models of a home folder, by name.

Each is a folder `tuned/NAME` with the adapter in PEFT's format, or a whole model, and
`tunery.json`, which says what it was trained on; `system.txt` is the system prompt that all its
rows had, if there was one.
"""

from __future__ import annotations

import difflib
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tunery.errors import NotFoundError, UserError

ABOUT_FILE = "tunery.json"
SYSTEM_FILE = "system.txt"


@dataclass(frozen=True, slots=True)
class TunedModel:
    """A tuned model on disk.

    Attributes:
        name: What a request calls it.
        base: The base model, as its run named it.
        created: Unix time in seconds.
        run: Folder of the run that made it.
        folder: Where the adapter or the model is.
    """

    name: str
    base: str
    created: int
    run: str
    folder: Path

    @property
    def whole(self) -> bool:
        """Whether it is a model of its own rather than an adapter."""
        return (self.folder / "config.json").is_file()


def tuned_folder(home: Path, name: str) -> Path:
    """Where a tuned model of this name lies."""
    return home / "tuned" / name


def publish(home: Path, name: str, base: str, run: Path, system: str | None) -> TunedModel:
    """Makes what a run trained known by a name; a tuned model of that name is replaced.

    Args:
        home: The home folder.
        name: Of the tuned model.
        base: As the run named it.
        run: Folder of the run; the adapter in it is copied, a whole model is moved.
        system: The system prompt that it was trained with, if there was only one.
    """
    final = tuned_folder(home, name)
    draft = final.with_name(f".{name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    if (run / "model").is_dir():
        draft.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(run / "model", draft)
    else:
        shutil.copytree(run / "adapter", draft)
    model = TunedModel(name, base, int(time.time()), str(run), final)
    about = {key: value for key, value in asdict(model).items() if key != "folder"}
    (draft / ABOUT_FILE).write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    if system is not None:
        (draft / SYSTEM_FILE).write_text(system, "utf-8")
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    return model


def list_tuned(home: Path) -> list[TunedModel]:
    """All tuned models, the newest first; damaged ones are left out, see `damaged_tuned`."""
    found = [model for model in _read_all(home) if isinstance(model, TunedModel)]
    return sorted(found, key=lambda model: (-model.created, model.name))


def damaged_tuned(home: Path) -> list[UserError]:
    """What is wrong with the tuned models that cannot be read."""
    return [model for model in _read_all(home) if isinstance(model, UserError)]


def _read_all(home: Path) -> list[TunedModel | UserError]:
    found: list[TunedModel | UserError] = []
    for path in sorted((home / "tuned").glob(f"[!.]*/{ABOUT_FILE}")):
        try:
            found.append(_read(path.parent))
        except UserError as error:
            found.append(error)
    return found


def find_tuned(home: Path, name: str) -> TunedModel:
    """The tuned model of a name.

    Raises:
        NotFoundError: There is none; the nearest names are given.
    """
    for model in list_tuned(home):
        if model.name == name:
            return model
    if (tuned_folder(home, name) / ABOUT_FILE).is_file() and "/" not in name:
        return _read(tuned_folder(home, name))
    near = difflib.get_close_matches(name, [model.name for model in list_tuned(home)], n=1)
    raise NotFoundError(
        f"There is no tuned model {name!r} in {home}.",
        f"Did you mean {near[0]}?" if near else "`tunery models list` shows what there is.",
    )


def _read(folder: Path) -> TunedModel:
    try:
        about = json.loads((folder / ABOUT_FILE).read_text("utf-8"))
        if about["name"] != folder.name:
            raise ValueError(f"it names {about['name']!r}, its folder {folder.name!r}")
        return TunedModel(
            str(about["name"]), str(about["base"]), int(about["created"]), str(about["run"]), folder
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder / ABOUT_FILE} is damaged: {error!r}.", "Remove the folder; train again."
        ) from error
