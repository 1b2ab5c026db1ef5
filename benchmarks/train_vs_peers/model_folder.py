"""The model's files on this machine, found or fetched by a process of its own."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from benchmarks.train_vs_peers.progress import tell
from tunery.errors import FetchError
from tunery.models.sources import fetch


def find_model(model: str, home: Path, *, offline: bool) -> Path:
    """The folder with a model's files.

    A fetch may convert the weights, whose memory would then count as the peak of every process
    that is started here (see `process.run_measured`); so another process does it.

    Args:
        model: Catalog name, folder, GGUF file or Hugging Face id.
        home: The user's home folder of Tunery.
        offline: Stay off the network.

    Raises:
        NotFoundError: No such model is known.
        UserError: The folder given holds no model that can be used.
        FetchError: No source of it served.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        asked = pool.submit(fetch, model, home, offline=offline, log=tell)
        try:
            return asked.result().folder.resolve()
        except BrokenProcessPool as error:
            raise FetchError(
                f"The process that fetches {model} ended without an answer.",
                "See above what it said; memory may have run out.",
            ) from error
