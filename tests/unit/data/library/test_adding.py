"""A file becomes a version, whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tunery.config.dataset_name import DatasetName, parse_dataset
from tunery.data.library.adding import add, ending_of, look_at
from tunery.data.library.opening import open_version
from tunery.data.library.store import (
    all_datasets,
    blob_folder,
    changing,
    find_version,
    read_dataset,
    record_file,
)
from tunery.data.library.version import Contents
from tunery.errors import DataError, NotFoundError, UserError

SUPPORT = DatasetName("support")


def blobs(home):
    return sorted(path.name for path in blob_folder(home).iterdir())


def test_a_file_is_copied_and_described(home, rows):
    file = rows("a", "b", "a")
    with file.open("a") as more:
        more.write("{nonsense\n")
    before = file.read_bytes()

    added = add(home, file, SUPPORT, licence="CC0", source="made here")

    version = added.version
    assert added.is_new
    assert (version.number, version.file, version.size_bytes) == (1, "rows.jsonl", len(before))
    assert version.sha256 == hashlib.sha256(before).hexdigest()
    assert (version.licence, version.source) == ("CC0", "made here")
    assert version.contents == Contents(
        "chat", 4, 3, {"data.too_few_rows": 1, "json.invalid": 1, "row.duplicate": 1}
    )
    assert find_version(home, SUPPORT) == (added.dataset, version)
    opened = open_version(home, SUPPORT)
    assert opened.path.read_bytes() == before
    assert opened.path.suffix == ".jsonl"
    assert str(opened.name) == "support@v1"


def test_the_library_does_not_change_with_the_file(home, rows):
    file = rows("a")
    add(home, file, SUPPORT)
    rows("something else")
    assert b"something" not in open_version(home, SUPPORT).path.read_bytes()


def test_other_bytes_are_the_next_version_and_the_same_bytes_are_none(home, rows):
    add(home, rows("a"), SUPPORT)
    second = add(home, rows("b"), SUPPORT)
    again = add(home, rows("a"), SUPPORT)
    assert (second.version.number, second.is_new) == (2, True)
    assert (again.version.number, again.is_new) == (1, False)
    assert read_dataset(home, "support").newest.number == 2
    assert len(blobs(home)) == 2


def test_two_data_sets_share_their_bytes(home, rows):
    add(home, rows("a"), SUPPORT)
    add(home, rows("a"), DatasetName("other"))
    assert len(blobs(home)) == 1
    assert [d.name for d in all_datasets(home)] == ["other", "support"]


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.jsonl", ".jsonl"),
        ("a.JSONL", ".jsonl"),
        ("a.v1.csv", ".csv"),
        ("a.jsonl.gz", ".jsonl.gz"),
        ("a", ""),
        ("a.b c", ""),
        ("a.\u00e9", ""),
    ],
)
def test_the_ending_tells_the_format(name, ending):
    assert ending_of(Path(name)) == ending


def test_a_file_that_cannot_be_used_is_not_added(home, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(DataError):
        add(home, empty, SUPPORT)
    with pytest.raises(NotFoundError):
        add(home, tmp_path / "nowhere.jsonl", SUPPORT)
    assert not (home / "data").exists()


def test_a_file_that_is_gone_before_it_is_copied(home, rows):
    file = rows("a")

    def look(path: Path) -> Contents:
        path.unlink()
        return Contents("chat", 1, 1)

    with pytest.raises(NotFoundError, match="cannot be read"):
        add(home, file, SUPPORT, look=look)


def test_a_file_that_grows_meanwhile_is_refused(home, rows):
    file = rows("a")

    def look(path: Path) -> Contents:
        contents = look_at(path)
        with path.open("a") as more:
            more.write("\n\n")
        return contents

    with pytest.raises(DataError, match="was changed while it was read"):
        add(home, file, SUPPORT, look=look)
    assert blobs(home) == []
    assert not record_file(home, "support").exists()


def test_a_version_is_not_a_name_to_add_under(home, rows):
    with pytest.raises(UserError, match="support@v2 names a version"):
        add(home, rows("a"), DatasetName("support", 2))


def test_a_folder_that_cannot_be_written(home, rows):
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the home folder should be")
    with pytest.raises(UserError, match="cannot be written"):
        add(home, rows("a"), SUPPORT)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Support",
        "my set",
        "../x",
        "a/b",
        "a\\b",
        ".hidden",
        "-x",
        "a\n",
        "a\0",
        "\u00e4",
        "x" * 65,
        "a@",
        "a@2",
        "a@v0",
        "a@v1@v2",
        "a@v1/../x",
        "library:",
    ],
)
def test_odd_names_are_refused_with_a_reason(name):
    with pytest.raises(UserError, match="; expected") as error:
        parse_dataset(name)
    assert error.value.hint


@pytest.mark.parametrize("blob", ["../../x", "a/b", "a\\b", ""])
def test_a_record_cannot_lead_out_of_the_library(home, rows, blob):
    added = add(home, rows("a"), SUPPORT)
    file = record_file(home, "support")
    file.write_text(file.read_text().replace(added.version.sha256, blob.replace("\\", "\\\\")))
    with pytest.raises(UserError, match="is damaged"):
        open_version(home, SUPPORT)


def test_a_damaged_record_is_told_and_keeps_all_bytes(home, rows):
    add(home, rows("a"), SUPPORT)
    file = record_file(home, "support")
    for text in ("", "[]", "{}", '{"name": "x", "versions": [], "next_number": 1}', "[" * 100_000):
        file.write_text(text)
        with pytest.raises(UserError, match="is damaged"):
            find_version(home, SUPPORT)
    assert isinstance(all_datasets(home)[0], UserError)
    with changing(home):
        pass
    assert len(blobs(home)) == 1


def test_a_blob_that_was_changed_is_refused_with_both_digests(home, rows):
    file = rows("a")
    added = add(home, file, SUPPORT)
    blob = open_version(home, SUPPORT).path
    blob.chmod(0o644)
    blob.write_bytes(b"{}\n")
    found = hashlib.sha256(b"{}\n").hexdigest()
    with pytest.raises(DataError, match="was changed") as error:
        open_version(home, SUPPORT)
    assert found in error.value.message
    assert added.version.sha256 in error.value.message

    assert not add(home, file, SUPPORT).is_new
    assert open_version(home, SUPPORT).path.read_bytes() == file.read_bytes()


def test_a_blob_that_is_gone(home, rows):
    add(home, rows("a"), SUPPORT)
    open_version(home, SUPPORT).path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        open_version(home, SUPPORT)


def test_names_that_are_not_there(home, rows):
    add(home, rows("a"), SUPPORT)
    with pytest.raises(NotFoundError) as near:
        find_version(home, DatasetName("support-x"))
    assert near.value.hint == "Did you mean support?"
    with pytest.raises(NotFoundError) as far:
        find_version(home, DatasetName("zzz"))
    assert "tunery data list" in far.value.hint
    with pytest.raises(NotFoundError) as version:
        find_version(home, DatasetName("support", 3))
    assert version.value.hint == "It has v1."


ADD = """
import sys
from pathlib import Path
from tunery.config.dataset_name import DatasetName
from tunery.data.library.adding import add
from tunery.data.library.version import Contents
look = lambda _: Contents("chat", 1, 1)
for file in sys.argv[2:]:
    add(Path(sys.argv[1]), Path(file), DatasetName("support"), look=look)
"""


def start(home: Path, *files: Path, code: str = ADD) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, str(home), *map(str, files)])


def test_two_at_once_lose_nothing(home, rows):
    ours = [rows(f"a {n}", name=f"a{n}.jsonl") for n in range(6)]
    theirs = [rows(f"b {n}", name=f"b{n}.jsonl") for n in range(6)]
    processes = [start(home, *ours), start(home, *theirs)]
    assert [process.wait(60) for process in processes] == [0, 0]
    dataset = read_dataset(home, "support")
    assert [version.number for version in dataset.versions] == list(range(1, 13))
    assert len({version.sha256 for version in dataset.versions}) == 12
    for version in dataset.versions:
        open_version(home, dataset.named(version))


KILLED = """
import os, pathlib, signal, sys
call, count = sys.argv.pop().split()
place = {"fsync": os, "replace": pathlib.Path}[call]
real, seen = getattr(place, call), []
def counted(*given):
    seen.append(0)
    if len(seen) == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given)
setattr(place, call, counted)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("moment", ["fsync 1", "replace 1", "fsync 2", "fsync 3", "replace 2"])
def test_a_kill_in_the_middle_leaves_a_consistent_library(home, rows, moment):
    add(home, rows("a"), SUPPORT)
    before = (blobs(home), read_dataset(home, "support"))
    second = rows("b", name="second.jsonl")

    process = start(home, second, Path(moment), code=KILLED + ADD)
    assert process.wait(60) == -signal.SIGKILL

    assert read_dataset(home, "support") == before[1]
    open_version(home, SUPPORT)
    left = {*os.listdir(home / "data")} - {"sets", "blobs", ".lock"}
    assert left or len(blobs(home)) == 2  # it was killed while something was half done
    with changing(home):
        pass
    assert blobs(home) == before[0]
    assert {*os.listdir(home / "data")} <= {"sets", "blobs", ".lock"}
    assert add(home, second, SUPPORT).version.number == 2
