from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tunery.data.sources.hub_dataset import Hub, HubName, fetch_dataset, parse_name, the_hub
from tunery.errors import DataError, FetchError, NotFoundError


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("hub:ada/rows", HubName("ada/rows", None, "")),
        ("hub:ada/rows/train", HubName("ada/rows", None, "train")),
        ("hub:ada/rows@v1.0/main/test", HubName("ada/rows", "v1.0", "main/test")),
        (
            "hub:ada/rows@refs%2Fconvert%2Fparquet",
            HubName("ada/rows", "refs/convert/parquet", ""),
        ),
    ],
)
def test_takes_a_name_apart(location: str, name: HubName) -> None:
    assert parse_name(location) == name


@pytest.mark.parametrize("location", ["hub:", "hub:rows", "hub:../x", "hub:a/b@", "hub:a/b?x=1"])
def test_refuses_other_names(location: str) -> None:
    with pytest.raises(DataError, match="names no data set"):
        parse_name(location)


class Repository:
    """A hub with one data set; keeps what it was asked for."""

    def __init__(self, folder: Path, files: list[str]) -> None:
        self.folder = folder
        self.listed = files
        self.asked: dict[str, Any] = {}
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text('{"text": "a"}\n')

    def files(self, repo: str, **options: Any) -> list[str]:
        return self.listed

    def snapshot(self, repo: str, **options: Any) -> str:
        self.asked = {"repo": repo, **options}
        return str(self.folder)

    def hub(self, offline: bool = False) -> Hub:
        return Hub(self.files, self.snapshot, offline)


FILES = ["README.md", "rows.py", "train[1].jsonl", "train2.jsonl", "test.jsonl"]


def test_fetches_only_the_files_of_the_split(tmp_path: Path) -> None:
    repository = Repository(tmp_path, FILES)
    folder, shards = fetch_dataset("hub:ada/rows@v1/train", repository.hub())
    assert (folder, shards.files) == (tmp_path, ("train2.jsonl", "train[1].jsonl"))
    assert repository.asked["allow_patterns"] == ["train2.jsonl", "train[[]1].jsonl"]
    assert (repository.asked["repo_type"], repository.asked["revision"]) == ("dataset", "v1")


def test_without_a_network_the_cache_serves(tmp_path: Path) -> None:
    repository = Repository(tmp_path, FILES)
    _, shards = fetch_dataset("hub:ada/rows/test", repository.hub(offline=True))
    assert shards.files == ("test.jsonl",)
    assert repository.asked["local_files_only"] is True


def test_a_program_is_never_run(tmp_path: Path) -> None:
    repository = Repository(tmp_path, ["README.md", "rows.py"])
    with pytest.raises(DataError, match="never run") as caught:
        fetch_dataset("hub:ada/rows", repository.hub())
    assert "parquet" in caught.value.hint
    with pytest.raises(DataError, match="several sets"):
        fetch_dataset("hub:ada/other", Repository(tmp_path, FILES).hub())


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


class Response:
    """As much of an answer as the hub's errors look at."""

    headers: dict[str, str] = {}  # noqa: RUF012
    request = None
    status_code = 404


@pytest.mark.parametrize(
    ("error", "expected", "told"),
    [
        (GatedRepoError, FetchError, "gated"),
        (RepositoryNotFoundError, NotFoundError, "not on the Hub"),
        (RevisionNotFoundError, NotFoundError, 'no revision "main"'),
        (LocalEntryNotFoundError, FetchError, "not whole"),
        (TimeoutError, FetchError, "TimeoutError"),
    ],
)
def test_errors_of_the_hub_are_told(error: Any, expected: Any, told: str) -> None:
    takes_response = error in (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError)
    raised = error("no", response=Response()) if takes_response else error("no")
    hub = Hub(failing(raised), failing(raised), offline=False)
    with pytest.raises(expected, match=told) as caught:
        fetch_dataset("hub:ada/rows", hub)
    assert caught.value.hint


def test_the_environment_switches_the_network_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNERY_OFFLINE", "1")
    assert the_hub().offline
    monkeypatch.setenv("TUNERY_OFFLINE", "0")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert not the_hub().offline
