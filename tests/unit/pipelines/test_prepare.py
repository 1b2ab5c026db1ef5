import json

import pytest

from tunery.config.data import DataSection
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

    def make(*rows, context=100, **section):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps({"messages": row}) + "\n" for row in rows))
        return prepare_data(DataSection(train=path, **section), template, context, seed=0)

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


def test_how_tools_are_written_is_told_if_a_row_has_any(prepare):
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    calling = {"role": "assistant", "tool_calls": [call]}
    assert prepare([USER, answer()]).tools == ""
    data = prepare([USER, answer()], [USER, calling])
    assert len(data.train) == 2
    assert data.tools.startswith("Tools are written as text")
