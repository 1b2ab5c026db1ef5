"""Names of the library and lists of files, where a configuration takes a path."""

from pathlib import Path

import pytest

from tunery.config.load import dump_run, load_run
from tunery.errors import ConfigError

GOOD = """name: triage
model: smollm2-135m-instruct
data:
  train: train.jsonl
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text):
        path = tmp_path / "job" / "config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write_file


def problems(path):
    with pytest.raises(ConfigError) as error:
        load_run(path)
    return error.value.message.replace(f"{path.parent}/", "").splitlines()


def test_a_data_set_stays_a_name(write):
    config = load_run(write(GOOD.replace("train.jsonl", "library:support@v2")))
    assert config.data.train == Path("library:support@v2")
    assert load_run(write(dump_run(config))) == config


@pytest.mark.parametrize("name", ["library:", "library:../x", "library:Support", "library:x@2"])
def test_a_name_that_is_none_is_told_with_its_line(write, name):
    (line,) = problems(write(GOOD.replace("train.jsonl", f'"{name}"')))
    assert line.startswith("config.yaml:4: data.train: ")
    assert "; expected" in line


def test_files_of_a_mix_are_paths(write, tmp_path):
    text = "[{file: a.jsonl, weight: 2}, {file: 'library:b'}, {file: /c.jsonl, weight: 0.5}]"
    config = load_run(write(GOOD.replace("train.jsonl", text)))
    assert [(part.file, part.weight) for part in config.data.train] == [
        (tmp_path / "job" / "a.jsonl", 2.0),
        (Path("library:b"), 1.0),
        (Path("/c.jsonl"), 0.5),
    ]
    assert load_run(write(dump_run(config))) == config


@pytest.mark.parametrize(
    "text", ["[]", "[a.jsonl]", "[{weight: 1}]", "[{file: a, weight: 0}]", "[{file: a, share: 1}]"]
)
def test_a_mix_that_is_none_is_told(write, text):
    (line,) = problems(write(GOOD.replace("train.jsonl", text)))
    assert line.startswith("config.yaml:4: data.train")
    assert "a list of sections with file, weight" in line
