"""A data set of the Hugging Face Hub: its data files, fetched into the Hub's own cache.

    hub:owner/name            all its rows, if it holds one set
    hub:owner/name/test       one split; hub:owner/name/main/test, one of a subset
    hub:owner/name@revision   a branch, tag or commit; write %2F for a "/" in it

Only data files are fetched. A data set that is made by a program of its own is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tunery.config.settings import read_settings
from tunery.data.sources.shards import Shards, choose
from tunery.data.wording import quote
from tunery.errors import DataError, FetchError, NotFoundError, TuneryError

_NAME = re.compile(
    r"hub:(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<revision>[\w.%-]+))?(?:/(?P<set>[^@?#]+))?",
    re.ASCII,
)
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class HubName:
    """What a `hub:` location names.

    Attributes:
        repo: `owner/name`.
        revision: A branch, tag or commit; None for the main branch.
        wanted: Name of the set of rows, such as a split; "" if it has only one.
    """

    repo: str
    revision: str | None
    wanted: str


@dataclass(frozen=True, slots=True)
class Hub:
    """How the Hub is reached; a test puts its own functions here.

    Attributes:
        files: As `HfApi.list_repo_files`.
        snapshot: As `huggingface_hub.snapshot_download`.
        offline: Whether the network is switched off.
    """

    files: Callable[..., list[str]]
    snapshot: Callable[..., Any]
    offline: bool


def the_hub() -> Hub:
    """The Hub itself, by its own library, which is slow to import."""
    import huggingface_hub

    return Hub(
        huggingface_hub.HfApi().list_repo_files,
        huggingface_hub.snapshot_download,
        read_settings(os.environ).offline,
    )


def parse_name(location: str) -> HubName:
    """Takes a `hub:` location apart.

    Raises:
        DataError: It does not name a data set.
    """
    found = _NAME.fullmatch(location)
    if found is None:
        raise DataError(
            f"{quote(location)} names no data set of the hub; expected hub:owner/name.",
            "Write hub:owner/name, or hub:owner/name@revision/split.",
        )
    revision = unquote(found["revision"]) if found["revision"] else None
    return HubName(found["repo"], revision, (found["set"] or "").strip("/"))


def fetch_dataset(location: str, hub: Hub) -> tuple[Path, Shards]:
    """The folder of a data set in the Hub's cache, and its files of the set that is named.

    Raises:
        DataError: The location is not one of the hub, the data set has no data files, or more
            than one set of them and none is named.
        NotFoundError: The hub has no such data set, or it no such set.
        FetchError: It cannot be had.
    """
    name = parse_name(location)
    wanted: dict[str, Any] = {"repo_type": "dataset", "revision": name.revision}
    try:
        if hub.offline:
            folder = Path(hub.snapshot(name.repo, **wanted, local_files_only=True))
            files = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
            return folder, _chosen(files, name)
        shards = _chosen(hub.files(name.repo, **wanted), name)
        names = [re.sub(r"([\[*?])", r"[\1]", file) for file in shards.files]
        folder = Path(
            hub.snapshot(name.repo, **wanted, allow_patterns=names, etag_timeout=_ANSWER_SECONDS)
        )
    except TuneryError:
        raise
    except Exception as error:  # noqa: BLE001 (the HTTP library's errors are not all the Hub's)
        raise _told(error, name) from None
    return folder, shards


def _chosen(files: list[str], name: HubName) -> Shards:
    try:
        return choose(files, name.wanted, f"hub:{name.repo}")
    except DataError:
        if any(file == f"{name.repo.partition('/')[2]}.py" for file in files):
            raise DataError(
                f"hub:{name.repo} is made by a program of its own, which is never run.",
                "Try hub:OWNER/NAME@refs%2Fconvert%2Fparquet, where the Hub keeps the rows.",
            ) from None
        raise


def _told(error: Exception, name: HubName) -> TuneryError:
    kind = type(error).__name__
    where = f"hub:{name.repo}"
    if kind == "GatedRepoError":
        return FetchError(
            f"{where} is gated: its terms must be accepted first.",
            f"Accept them at https://huggingface.co/datasets/{name.repo}, then `hf auth login`.",
        )
    if kind == "RevisionNotFoundError":
        return NotFoundError(
            f"{where} has no revision {quote(name.revision or 'main')}.", "Check its spelling."
        )
    if kind in ("RepositoryNotFoundError", "HFValidationError"):
        return NotFoundError(
            f"{where} is not on the Hub, or it is private.",
            "Check its spelling; for a private one, run `hf auth login`.",
        )
    if kind in ("LocalEntryNotFoundError", "OfflineModeIsEnabled", "IncompleteSnapshotError"):
        return FetchError(
            f"{where} is not whole in the Hugging Face cache, and the Hub is not reached.",
            "Fetch it again with a network.",
        )
    return FetchError(f"{where} cannot be fetched: {kind}.", "Check the network and try again.")
