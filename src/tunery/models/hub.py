"""A repository on the Hugging Face Hub → the files of one model.

The download goes through the Hub's own cache, so what another program fetched before is not
fetched again, and an interrupted download goes on where it stopped.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import constants, snapshot_download

# HTTPError is the HTTP library's own; taken from here, it is right whichever library that is
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    XetDownloadError,
)

from tunery.errors import FetchError

SAFE_PATTERNS = ("*.safetensors", "*.json", "tokenizer.model", "*.txt", "*.jinja")
"""Files that hold numbers and text; pickles (`*.bin`, `*.pt`) and code (`*.py`) are not among
them."""

UNWANTED_PATTERNS = ("*/*", "consolidated*.safetensors")
"""Other forms of the same weights: in folders of their own, or in the maker's own format."""

ANSWER_SECONDS = 5.0
"""How long the network may take to show that it is there."""

Snapshot = Callable[..., str]
"""`huggingface_hub.snapshot_download`, or what stands in for it."""


def fetch_from_hub(
    repo: str,
    staging: Path,
    *,
    offline: bool,
    allow_remote_code: bool = False,
    snapshot: Snapshot = snapshot_download,
    reachable: Callable[[], bool] | None = None,
) -> str:
    """Puts the files of a repository into a folder.

    Args:
        repo: `owner/name`.
        staging: Exists and is empty.
        offline: Take the files from the Hub's cache or fail.
        allow_remote_code: Take Python files too.
        snapshot: Downloads into the cache.
        reachable: Whether the Hub can be reached at all; asks the name server by default.

    Returns:
        Where the files came from, with the commit.

    Raises:
        FetchError: They could not be had; the message says why, the hint what to do.
    """
    if not offline and not (reachable or hub_is_reachable)():
        offline = True
        network = f"{_host()} cannot be reached"
    else:
        network = "the network is switched off"
    patterns = [*SAFE_PATTERNS, *(["*.py"] if allow_remote_code else [])]
    try:
        cached = Path(
            snapshot(
                repo,
                allow_patterns=patterns,
                ignore_patterns=list(UNWANTED_PATTERNS),
                local_files_only=offline,
                etag_timeout=ANSWER_SECONDS,
            )
        )
    except (HTTPError, OSError, ValueError, RuntimeError, XetDownloadError) as error:
        raise _explain(error, repo, network if offline else "") from error
    files = [file for file in sorted(cached.iterdir()) if file.is_file()]
    if not any(file.suffix == ".safetensors" for file in files):
        raise FetchError(
            "it has no *.safetensors; weights in other forms, such as pickled *.bin, are refused",
            "Choose a repository with safetensors.",
        )
    for file in files:
        _link_or_copy(file, staging / file.name)
    return f"Hugging Face Hub, {repo} at commit {cached.name}"


def hub_is_reachable(timeout_s: float = ANSWER_SECONDS) -> bool:
    """Whether the Hub's name can be resolved in time.

    Without a network, looking a name up may hang for minutes, and no time limit of the HTTP
    library covers it. Behind a proxy the name need not resolve here, so the answer is yes.
    """
    if urllib.request.getproxies():
        return True
    found: list[bool] = []
    thread = threading.Thread(target=_resolve, args=(_host(), found), daemon=True)
    thread.start()
    thread.join(timeout_s)
    return bool(found)


def _resolve(host: str, found: list[bool]) -> None:
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return
    found.append(True)


def _host() -> str:
    return urlsplit(constants.ENDPOINT).hostname or constants.ENDPOINT


def _explain(error: Exception, repo: str, network: str) -> FetchError:
    """An error of the Hub's library in words; `network` says why the Hub was not asked."""
    page = f"{constants.ENDPOINT}/{repo}"
    match error:
        case GatedRepoError():
            return FetchError(
                "it is gated: its licence must be accepted first",
                f"Accept it at {page}, then run `hf auth login`.",
            )
        case RepositoryNotFoundError():
            return FetchError(
                "it is not on the Hub, or it is private",
                "Check its spelling; for a private one, run `hf auth login`.",
            )
        case IncompleteSnapshotError() if network:
            return FetchError(
                f"it is only partly in the Hugging Face cache, and {network}",
                "Fetch it again with a network.",
            )
        case LocalEntryNotFoundError() | OfflineModeIsEnabled():
            reason = network or "the Hub does not answer"
            return FetchError(f"it is not in the Hugging Face cache, and {reason}")
        case HfHubHTTPError():
            status = getattr(error.response, "status_code", "an error")
            return FetchError(f"the Hub answered with status {status}", "Try again later.")
        case _:
            detail = next(iter(str(error).strip().splitlines()), "no reason given")
            return FetchError(f"the download failed: {type(error).__name__}: {detail}")


def _link_or_copy(file: Path, copy: Path) -> None:
    """A second name for a file of the cache, or a copy where the disk is another one."""
    content = file.resolve()  # the cache holds links to blobs
    try:
        os.link(content, copy)
    except OSError:
        shutil.copyfile(content, copy)
