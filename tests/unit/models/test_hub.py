import os
import socket
import threading
from functools import partial
from types import SimpleNamespace

import pytest
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from tunery.errors import FetchError
from tunery.models import hub
from tunery.models.hub import fetch_from_hub, hub_is_reachable

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Snapshot:
    """Stands in for `huggingface_hub.snapshot_download`."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.calls = []

    def __call__(self, repo, **options):
        self.calls.append((repo, options))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return str(self.outcome)


@pytest.fixture
def cached(tmp_path, write_model):
    """A repository in the Hub's cache: links to blobs, and things that are not wanted."""
    folder = tmp_path / "cache" / COMMIT
    write_model(folder)
    blob = tmp_path / "cache" / "blob"
    (folder / "model.safetensors").rename(blob)
    (folder / "model.safetensors").symlink_to(blob)
    (folder / "onnx").mkdir()
    return folder


@pytest.fixture
def staging(tmp_path):
    folder = tmp_path / "staging"
    folder.mkdir()
    return folder


def http_error(kind, status):
    return kind("no", response=SimpleNamespace(status_code=status, headers={}, request=None))


def test_files_are_taken_from_the_cache(cached, staging):
    snapshot = Snapshot(cached)
    origin = fetch_from_hub(
        "a/b", staging, offline=False, snapshot=snapshot, reachable=lambda: True
    )
    assert origin == f"Hugging Face Hub, a/b at commit {COMMIT}"
    assert sorted(os.listdir(staging)) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert not (staging / "model.safetensors").is_symlink()
    assert (staging / "model.safetensors").samefile(cached / "model.safetensors")
    ((repo, options),) = snapshot.calls
    assert repo == "a/b"
    assert options["local_files_only"] is False
    assert not any(".bin" in pattern or ".py" in pattern for pattern in options["allow_patterns"])
    assert "*/*" in options["ignore_patterns"]


def test_code_is_taken_only_when_asked_for(cached, staging):
    snapshot = Snapshot(cached)
    fetch_from_hub(
        "a/b",
        staging,
        offline=False,
        allow_remote_code=True,
        snapshot=snapshot,
        reachable=lambda: True,
    )
    assert "*.py" in snapshot.calls[0][1]["allow_patterns"]


def test_another_disk_gets_a_copy(cached, staging, monkeypatch):
    def other_disk(source, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    fetch_from_hub("a/b", staging, offline=True, snapshot=Snapshot(cached))
    assert (staging / "model.safetensors").read_bytes() == (
        cached / "model.safetensors"
    ).read_bytes()


def failure(error, staging, *, offline=False, reachable=True):
    with pytest.raises(FetchError) as caught:
        fetch_from_hub(
            "a/b", staging, offline=offline, snapshot=Snapshot(error), reachable=lambda: reachable
        )
    return caught.value


def test_without_a_network_only_the_cache_is_asked(cached, staging):
    snapshot = Snapshot(cached)
    fetch_from_hub("a/b", staging, offline=False, snapshot=snapshot, reachable=lambda: False)
    assert snapshot.calls[0][1]["local_files_only"] is True


@pytest.mark.parametrize(
    ("error", "options", "message"),
    [
        (
            LocalEntryNotFoundError("x"),
            {"offline": True},
            "it is not in the Hugging Face cache, and the network is switched off",
        ),
        (
            LocalEntryNotFoundError("x"),
            {"reachable": False},
            "it is not in the Hugging Face cache, and huggingface.co cannot be reached",
        ),
        (
            LocalEntryNotFoundError("x"),
            {},
            "it is not in the Hugging Face cache, and the Hub does not answer",
        ),
        (
            IncompleteSnapshotError("x", snapshot_path="/x"),
            {"offline": True},
            "it is only partly in the Hugging Face cache, and the network is switched off",
        ),
        (
            http_error(RepositoryNotFoundError, 401),
            {},
            "it is not on the Hub, or it is private",
        ),
        (http_error(HfHubHTTPError, 503), {}, "the Hub answered with status 503"),
        (OSError(28, "No space left on device"), {}, "the download failed: OSError: [Errno 28]"),
        (ValueError(), {}, "the download failed: ValueError: no reason given"),
    ],
)
def test_each_failure_has_its_words(staging, error, options, message):
    assert failure(error, staging, **options).message.startswith(message)


def test_gated_repository_says_how_to_get_in(staging):
    error = failure(http_error(GatedRepoError, 403), staging)
    assert error.message == "it is gated: its licence must be accepted first"
    assert error.hint == "Accept it at https://huggingface.co/a/b, then run `hf auth login`."


def test_repository_without_safetensors_is_refused(cached, staging):
    (cached / "model.safetensors").unlink()
    with pytest.raises(FetchError, match=r"has no \*\.safetensors"):
        fetch_from_hub("a/b", staging, offline=True, snapshot=Snapshot(cached))
    assert list(staging.iterdir()) == []


def test_the_real_library_without_a_network(tmp_path, staging, monkeypatch):
    def no_network(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    snapshot = partial(snapshot_download, cache_dir=tmp_path / "empty")
    with pytest.raises(FetchError, match="the network is switched off"):
        fetch_from_hub("a/b", staging, offline=True, snapshot=snapshot)


def test_the_real_library_with_a_full_cache(tmp_path, staging, write_model, monkeypatch):
    def no_network(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    repo = tmp_path / "hub" / "models--a--b"
    write_model(repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    snapshot = partial(snapshot_download, cache_dir=tmp_path / "hub")
    origin = fetch_from_hub("a/b", staging, offline=True, snapshot=snapshot)
    assert origin.endswith(COMMIT)
    assert (staging / "config.json").is_file()


@pytest.fixture
def direct(monkeypatch):
    monkeypatch.setattr(hub.urllib.request, "getproxies", dict)


def test_a_name_that_resolves_is_reachable(direct, monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port: asked.append(host))
    assert hub_is_reachable()
    assert asked == ["huggingface.co"]


def test_a_name_that_does_not_resolve_is_not(direct, monkeypatch):
    def unknown(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not hub_is_reachable()


def test_a_name_server_that_hangs_is_not_waited_for(direct, monkeypatch):
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port: done.wait(10))
    try:
        assert not hub_is_reachable(timeout_s=0.05)
    finally:
        done.set()


def test_behind_a_proxy_names_need_not_resolve(monkeypatch):
    monkeypatch.setattr(hub.urllib.request, "getproxies", lambda: {"https": "http://proxy"})
    assert hub_is_reachable()
