import hashlib
import json
from pathlib import Path

import pytest

from tunery.config.data import DataSection
from tunery.config.dataset_name import DatasetName
from tunery.data.library.adding import add
from tunery.errors import DataError
from tunery.models.chat_template import ChatTemplate
from tunery.pipelines.prepare import prepare_data
from tunery.testing.tiny_models import tiny_tokenizer

USER = {"role": "user", "content": "U"}
SYSTEM = {"role": "system", "content": "S"}


def answer(text="A", **more):
    return {"role": "assistant", "content": text, **more}


@pytest.fixture
def prepare(tmp_path):
    template = ChatTemplate(tiny_tokenizer(), [1])

    def make(*rows, context=100, home=None, **section):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps({"messages": row}) + "\n" for row in rows))
        keys = {"train": path} | section
        return prepare_data(DataSection(**keys), template, context, seed=0, home=home)

    return make


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("row.template", [answer(), USER, answer()]),
        ("row.too_long", [USER, answer("long " * 50)]),
        ("row.nothing_trained", [USER, answer(weight=0)]),
    ],
)
def test_a_row_that_cannot_be_trained_is_listed(prepare, code, row):
    data = prepare([USER, answer()], row)
    assert len(data.train) == 1
    (finding,) = [finding for finding in data.findings if finding.severity == "error"]
    assert (finding.code, finding.line) == (code, 2)


def test_max_tokens_counts_below_the_context(prepare):
    rows = ([USER, answer("x" * length)] for length in (1, 40, 60))
    assert len(prepare(*rows, max_tokens=80).train) == 2


def test_a_share_of_the_rows_is_held_out(prepare):
    rows = [[{"role": "user", "content": str(n)}, answer()] for n in range(10)]
    data = prepare(*rows, validation=0.3)
    assert (len(data.train), len(data.validation)) == (7, 3)
    assert [(file.role, file.rows) for file in data.files] == [("train", 7)]


def test_the_system_prompt_is_told_if_all_rows_share_one(prepare):
    assert prepare([SYSTEM, USER, answer()], [SYSTEM, USER, answer("B")]).system == "S"
    assert prepare([SYSTEM, USER, answer()], [USER, answer("B")]).system is None
    assert prepare([USER, answer()]).system is None


def numbered(count, start=0):
    return [[{"role": "user", "content": str(n)}, answer()] for n in range(start, start + count)]


def write(path, rows):
    path.write_text("".join(json.dumps({"messages": row}) + "\n" for row in rows))
    return path


def test_a_limit_keeps_the_validation_rows_and_says_what_it_took(prepare):
    whole = prepare(*numbered(40), validation=0.25)
    some = prepare(*numbered(40), validation=0.25, limit=12)
    assert some.validation == whole.validation
    assert len(some.train) == 12
    assert {row.place for row in some.train} < {row.place for row in whole.train}
    assert some.notes == ("data.limit: 12 of 30 training rows, chosen by the seed.",)
    assert whole.notes == ()


def test_files_are_mixed_by_weight(prepare, tmp_path):
    other = write(tmp_path / "other.jsonl", numbered(9, 100))
    own = tmp_path / "rows.jsonl"
    parts = [{"file": own, "weight": 3.0}, {"file": other}]
    data = prepare(*numbered(12), train=parts)
    assert [(file.role, file.path, file.rows) for file in data.files] == [
        ("train", str(own), 12),
        ("train", str(other), 4),
    ]
    assert data.notes == (
        f"Mix: 12 of 12 rows of {own} (weight 3).",
        f"Mix: 4 of 9 rows of {other} (weight 1).",
    )
    assert len({row.place for row in data.train}) == 16


def test_a_file_stands_once_in_a_mix(prepare, tmp_path):
    parts = [{"file": tmp_path / "rows.jsonl"}] * 2
    with pytest.raises(DataError, match="more than once"):
        prepare(*numbered(4), train=parts)


def test_a_data_set_is_read_recorded_and_called_by_its_name(prepare, tmp_path):
    file = write(tmp_path / "set.jsonl", numbered(4))
    file.write_text(file.read_text() + "{bad\n")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    add(tmp_path / "home", file, DatasetName("set"))
    name = Path("library:set")
    data = prepare(home=tmp_path / "home", train=name, validation=name, test=name)
    label = "library:set@v1"
    assert [(f.role, f.path, f.sha256, f.rows) for f in data.files] == [
        (role, label, digest, 4) for role in ("train", "validation", "test")
    ]
    assert data.train[0].place == f"{label}:1"
    assert {finding.file for finding in data.findings} == {label}
def test_how_tools_are_written_is_told_if_a_row_has_any(prepare):
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    calling = {"role": "assistant", "tool_calls": [call]}
    assert prepare([USER, answer()]).tools == ""
    data = prepare([USER, answer()], [USER, calling])
    assert len(data.train) == 2
    assert data.tools.startswith("Tools are written as text")
