"""What is removed, what stays, and what is refused."""

from __future__ import annotations

import pytest

from tunery.config.dataset_name import DatasetName, parse_dataset
from tunery.data.library.adding import add
from tunery.data.library.opening import open_version
from tunery.data.library.removal import remove
from tunery.data.library.store import blob_folder, read_dataset
from tunery.errors import NotFoundError, UserError

SUPPORT = DatasetName("support")


def name_in_run(home, text, run="first", kind="runs", role="train"):
    folder = home / kind / run
    folder.mkdir(parents=True)
    (folder / "run.yaml").write_text(f"name: x\ndata:\n  {role}: {text}\n")


def test_a_version_goes_with_its_bytes_and_its_number_is_not_given_again(home, rows):
    add(home, rows("a"), SUPPORT)
    add(home, rows("b"), SUPPORT)
    size = open_version(home, SUPPORT).version.size_bytes

    removed = remove(home, DatasetName("support", 2))

    assert [version.number for version in removed.versions] == [2]
    assert (removed.freed_bytes, removed.runs) == (size, ())
    assert open_version(home, SUPPORT).name.version == 1
    assert add(home, rows("c"), SUPPORT).version.number == 3


def test_all_versions_go(home, rows):
    add(home, rows("a"), SUPPORT)
    add(home, rows("b"), SUPPORT)
    assert len(remove(home, SUPPORT).versions) == 2
    assert list(blob_folder(home).iterdir()) == []
    with pytest.raises(NotFoundError):
        remove(home, SUPPORT)
    assert add(home, rows("a"), SUPPORT).version.number == 3


def test_bytes_that_another_data_set_uses_stay(home, rows):
    add(home, rows("a"), SUPPORT)
    add(home, rows("a"), DatasetName("other"))
    assert remove(home, SUPPORT).freed_bytes == 0
    open_version(home, DatasetName("other"))


@pytest.mark.parametrize("text", ["library:support@v1", "library:support", "'library:support@v1'"])
@pytest.mark.parametrize("kind", ["runs", "sweeps"])
@pytest.mark.parametrize("role", ["train", "validation", "test"])
def test_what_a_run_names_stays(home, rows, text, kind, role):
    add(home, rows("a"), SUPPORT)
    name_in_run(home, text, kind=kind, role=role)
    for wanted in ("support", "support@v1"):
        with pytest.raises(UserError, match=f"is named by 1 run.*{kind}/first"):
            remove(home, parse_dataset(wanted))
    assert remove(home, SUPPORT, force=True).runs == (f"{kind}/first",)
    assert read_dataset(home, "support").versions == ()


def test_a_mix_names_its_files(home, rows):
    add(home, rows("a"), SUPPORT)
    name_in_run(home, "[{file: a.jsonl}, {file: 'library:support@v1', weight: 2.0}]")
    with pytest.raises(UserError, match="is named by 1 run"):
        remove(home, SUPPORT)


@pytest.mark.parametrize(
    "text",
    [
        "library:support@v2",
        "library:other",
        "/data/library:support",
        "library:Not A Name",
        "[",
        "3",
    ],
)
def test_other_names_do_not_hold_a_version(home, rows, text):
    add(home, rows("a"), SUPPORT)
    add(home, rows("b"), SUPPORT)
    name_in_run(home, text)
    assert remove(home, DatasetName("support", 1)).versions


def test_a_configuration_that_is_no_text_names_nothing(home, rows):
    add(home, rows("a"), SUPPORT)
    name_in_run(home, "library:support")
    (home / "runs" / "first" / "run.yaml").write_bytes(b"\xff\xfe")
    assert remove(home, SUPPORT).runs == ()


def test_many_runs_are_not_all_listed(home, rows):
    add(home, rows("a"), SUPPORT)
    for number in range(7):
        name_in_run(home, "library:support", run=f"run-{number}")
    with pytest.raises(UserError, match=r"named by 7 run\(s\): runs/run-0, .* and others"):
        remove(home, SUPPORT)
