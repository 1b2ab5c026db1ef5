"""A model's folder: whether it is whole, and how it comes into being in one step.

A folder that Tunery fetched carries a manifest with the size and sha256 of each file. It is
written last, before the folder gets its name, so a folder with a manifest was complete once.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tunery.errors import FetchError, NotFoundError, UserError

MANIFEST = "tunery-model.json"
INDEX = "model.safetensors.index.json"

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model")
"""One of these is needed; the first one is what the `tokenizers` library reads."""

PICKLE_ENDINGS = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True, slots=True)
class FileFact:
    """What a file was when it was fetched."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a fetched folder holds.

    Attributes:
        name: What the user calls the model.
        source: Where it came from, in words.
        files: File name to its size and hash.
    """

    name: str
    source: str
    files: Mapping[str, FileFact]


def sha256(file: Path) -> str:
    """The hash of a file's content, as 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """What a fetched folder should hold.

    Raises:
        NotFoundError: It has no manifest: it was not fetched, or not to the end.
        FetchError: The manifest is damaged.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(file.read_text("utf-8"))
        files = {name: FileFact(**fact) for name, fact in content["files"].items()}
        return Manifest(str(content["name"]), str(content["source"]), files)
    except FileNotFoundError:
        raise NotFoundError(f"{folder} was not fetched to its end: {MANIFEST} is missing") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FetchError(f"{file} is damaged: {error}") from None


def check_fetched(folder: Path, *, verify: bool = False) -> Manifest:
    """Compares a fetched folder with its manifest.

    Args:
        folder: The folder.
        verify: Compare hashes too, which reads every byte; sizes are always compared.

    Raises:
        NotFoundError: It has no manifest.
        FetchError: A file is missing or is not what was fetched.
    """
    manifest = read_manifest(folder)
    for name, fact in manifest.files.items():
        file = folder / name
        size = file.stat().st_size if file.is_file() else None
        if size != fact.size:
            found = "is missing" if size is None else f"has {size} bytes, expected {fact.size}"
            raise FetchError(f"{folder} is damaged: {name} {found}")
        if verify and (found := sha256(file)) != fact.sha256:
            raise FetchError(
                f"{folder} is damaged: {name} has sha256 {found}, expected {fact.sha256}"
            )
    return manifest


def check_model(
    folder: Path, *, allow_remote_code: bool = False, called: str | None = None
) -> None:
    """Makes sure that a folder holds a whole model that can be opened safely.

    Args:
        folder: Any folder, fetched or the user's own.
        allow_remote_code: Accept a model that needs Python code from its folder.
        called: What a message calls the folder; its path by default.

    Raises:
        UserError: Something is missing, cut short, pickled, or needs code to run.
    """
    what = called or str(folder)
    config = _read_config(folder, what)
    for name in _weight_files(folder, what):
        _check_safetensors(folder / name, what)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise UserError(
            f"{what} has no tokenizer; expected {' or '.join(TOKENIZER_FILES)}.",
            "Save the model's tokenizer into the folder.",
        )
    if "auto_map" in config and not allow_remote_code and not _is_built_in(config):
        raise UserError(
            f"{what} needs Python code of its own ({_code_names(config)}), which is refused.",
            "Read that code; if you trust it, ask for the model with remote code allowed.",
        )


def _read_config(folder: Path, what: str) -> dict[str, Any]:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{what} holds no model: config.json is missing.",
            "Give a folder made by save_pretrained.",
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"config.json of {what} cannot be read: {error}.") from None
    if not isinstance(config, dict):
        raise UserError(f"config.json of {what} holds no mapping.")
    return config


def _weight_files(folder: Path, what: str) -> list[str]:
    """Names of the safetensors files that make the model, all of them there."""
    index = folder / INDEX
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{INDEX} of {what} cannot be read: {error}.") from None
        if missing := [name for name in names if not (folder / name).is_file()]:
            raise UserError(
                f"{what} lacks {missing[0]} ({len(missing)} of {len(names)} weight files are "
                "missing).",
                "Fetch the model again.",
            )
        return names
    names = sorted(file.name for file in folder.glob("*.safetensors"))
    if names:
        return names
    pickled = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLE_ENDINGS)
    if pickled:
        raise UserError(
            f"{what} has its weights only as {pickled[0]}, a pickle, which can run code when it "
            "is opened and is refused.",
            "Save the model again with save_pretrained, which writes safetensors.",
        )
    raise UserError(
        f"{what} holds no weights: *.safetensors is missing.",
        "Give a folder made by save_pretrained.",
    )


def _check_safetensors(file: Path, what: str) -> None:
    """Compares a file's length with what its header announces, without reading the weights.

    The format: 8 bytes length of the header, the header as JSON, then the numbers; each tensor's
    `data_offsets` count from the end of the header.
    """
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > size:
                raise ValueError("it ends inside its header")
            header = json.loads(stream.read(length))
        ends = [v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise UserError(
            f"{file.name} of {what} is not a safetensors file: {error}.", "Fetch the model again."
        ) from None
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise UserError(
            f"{file.name} of {what} has {size} bytes, expected {expected}: it is cut short or "
            "damaged.",
            "Fetch the model again.",
        )


def _is_built_in(config: Mapping[str, Any]) -> bool:
    """Whether transformers has the architecture itself, so that the folder's code is not needed."""
    # imported here because it loads torch, for the few models that name code
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return config.get("model_type") in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def _code_names(config: Mapping[str, Any]) -> str:
    names = config["auto_map"]
    return ", ".join(map(str, names.values())) if isinstance(names, dict) else str(names)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target` to fetch into; removed at the end, unless it was published."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def publish(staging: Path, target: Path, name: str, source: str) -> Manifest:
    """Writes the manifest, waits until all of it is on the disk, and gives the folder its name.

    Args:
        staging: From `new_folder`; complete but for the manifest.
        target: A folder there is replaced.
        name: Of the model.
        source: Where it came from, in words.
    """
    files = sorted(file for file in staging.iterdir() if file.is_file())
    facts = {file.name: FileFact(file.stat().st_size, sha256(file)) for file in files}
    manifest = Manifest(name, source, facts)
    content = {"name": name, "source": source, "files": {k: asdict(v) for k, v in facts.items()}}
    (staging / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    for file in [*files, staging / MANIFEST]:
        file.chmod(0o644)
        _to_disk(file)
    staging.chmod(0o755)
    _to_disk(staging)
    if target.exists():
        aside = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
        target.rename(aside / "old")
        staging.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        staging.rename(target)
    _to_disk(target.parent)
    return manifest


def remove_leftovers(target: Path) -> None:
    """Removes what a fetch of `target` left behind when its process was killed.

    Only whoever holds the lock of `target` may call it.
    """
    for leftover in target.parent.glob(f"{_prefix(target)}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f".{target.name}@"


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
