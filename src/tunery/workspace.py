"""One home folder, opened: the object that every door receives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tunery.config.settings import Settings
from tunery.errors import NotFoundError, UserError
from tunery.models.catalog import load_catalog
from tunery.models.registry import TunedModel, damaged_tuned, find_tuned, list_tuned
from tunery.models.sources import ModelFiles, fetch
from tunery.serve.engine import Engine

Log = Callable[[str], None]


class Workspace:
    """Models, runs and engines of one home folder.

    Args:
        settings: Where the home folder is and whether the network may be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.home: Path = settings.home
        self.offline: bool = settings.offline

    def tuned(self) -> list[TunedModel]:
        """The tuned models, the newest first."""
        return list_tuned(self.home)

    def damaged(self) -> list[UserError]:
        """What is wrong with the tuned models that cannot be read."""
        return damaged_tuned(self.home)

    def fetch(self, model: str, log: Log, *, verify: bool = False) -> ModelFiles:
        """Finds a base model's files, fetching them if they are not on this machine."""
        return fetch(model, self.home, offline=self.offline, log=log, verify=verify)

    def run_folder(self, name: str) -> Path:
        """Where the files of a run of this name lie."""
        return self.home / "runs" / name

    def base_of(self, name: str) -> str:
        """The base model of a tuned model, else the name itself; as the catalog writes it."""
        base = next((model.base for model in self.tuned() if model.name == name), name)
        return base.lower() if base.lower() in load_catalog() else base

    def open_engine(self, names: Sequence[str], log: Log, threads: int | None = None) -> Engine:
        """Loads one base model with its tuned models, ready to answer.

        Args:
            names: Tuned or base models that must be answered for; all of one base. The other
                tuned models of that base are answered for too. None at all means the base of the
                newest tuned model.
            log: Told where the base comes from.
            threads: CPU threads; all cores by default.

        Raises:
            UserError: The names belong to different bases.
            NotFoundError: A name is neither a tuned nor a base model, or nothing was tuned yet.
        """
        bases = {self.base_of(name): name for name in names}
        if not names:
            newest = self.tuned()[:1]
            if not newest:
                raise NotFoundError(
                    f"Nothing has been tuned in {self.home} yet, so no model was chosen.",
                    "Name a base model, such as smollm2-135m-instruct, or run `tunery quickstart`.",
                )
            bases = {self.base_of(newest[0].name): newest[0].name}
        if len(bases) > 1:
            pairs = ", ".join(f"{name} on {base}" for base, name in bases.items())
            raise UserError(
                f"These models have different bases ({pairs}); one process serves one base.",
                "Start one process for each base.",
            )
        (base,) = bases
        # Imported here: it loads torch, which help and the data commands never need.
        from tunery.serve.engines.opening import open_torch_engine

        tuned = [model for model in self.tuned() if self.base_of(model.name) == base]
        return open_torch_engine(base, self.fetch(base, log).folder, tuned, threads)

    def find_tuned(self, name: str) -> TunedModel:
        """The tuned model of a name.

        Raises:
            NotFoundError: There is none.
        """
        return find_tuned(self.home, name)
