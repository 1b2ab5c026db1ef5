"""Names in a run's configuration become files, and stay the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunery.config.data import DataSection, TrainingFile
from tunery.config.dataset_name import DatasetName
from tunery.data.library.adding import add
from tunery.errors import DataError, NotFoundError, UserError
from tunery.pipelines.locate import locate, pin

ROW = '{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "y"}]}\n'


@pytest.fixture
def home(tmp_path):
    for text in "ab":
        file = tmp_path / "rows.jsonl"
        file.write_text(ROW % text)
        add(tmp_path / "home", file, DatasetName("support"))
    return tmp_path / "home"


def test_a_path_is_itself(tmp_path):
    found = locate(tmp_path / "x.jsonl", None)
    assert (found.label, found.path) == (str(tmp_path / "x.jsonl"), tmp_path / "x.jsonl")


def test_a_name_is_the_newest_version_and_is_called_so(home):
    found = locate(Path("library:support"), home)
    assert found.label == "library:support@v2"
    assert found.path.read_text() == ROW % "b"
    assert locate(Path("library:support@v1"), home).path.read_text() == ROW % "a"


def test_what_is_not_there_or_not_the_same(home):
    with pytest.raises(NotFoundError):
        locate(Path("library:other"), home)
    with pytest.raises(UserError, match="no library is open"):
        locate(Path("library:support"), None)
    blob = locate(Path("library:support"), home).path
    blob.chmod(0o644)
    blob.write_text("x")
    with pytest.raises(DataError, match="was changed"):
        locate(Path("library:support"), home)


def test_versions_are_pinned(home):
    section = DataSection(
        train=Path("library:support"), validation=0.1, test=Path("library:support@v1")
    )
    pinned = pin(section, home)
    assert (pinned.train, pinned.validation, pinned.test) == (
        Path("library:support@v2"),
        0.1,
        Path("library:support@v1"),
    )
    assert pin(pinned, home) == pinned
    mixed = DataSection(
        train=(TrainingFile(file=Path("library:support")), TrainingFile(file=Path("/x.jsonl"))),
        validation=Path("library:support"),
    )
    found = pin(mixed, home)
    assert [part.file for part in found.train] == [Path("library:support@v2"), Path("/x.jsonl")]
    assert found.validation == Path("library:support@v2")
    assert DataSection.model_validate(found.model_dump()) == found
