from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from tunery.config.problems import explain
from tunery.config.reference import describe, render_markdown
from tunery.config.run import RunConfig
from tunery.config.section import Section


class Inner(Section):
    """Inside."""

    ratio: Path | Annotated[float, Field(gt=0, lt=1)] | None = None
    """File or
    share."""


class Outer(Section):
    """Around."""

    kind: Literal["a", "b"] = "a"
    """Kind | sort."""

    flag: bool
    """Flag."""

    words: tuple[str, ...] = ("no", "yes")
    """Words."""

    inner: Inner = Inner()
    """Inside."""

    label: str = Field(default="x", max_length=9, min_length=2)
    """Label."""


def test_every_key_is_described_from_its_annotation_and_docstring():
    keys = {key.path: key for key in describe(Outer)}
    assert list(keys) == ["kind", "flag", "words", "inner", "inner.ratio", "label"]
    assert keys["kind"].type == "one of a, b"
    assert keys["kind"].default == "a"
    assert keys["flag"].default == "required"
    assert keys["flag"].type == "true or false"
    assert keys["words"].type == "a list of texts"
    assert "'no'" in keys["words"].default
    assert keys["inner"].is_section
    assert keys["inner"].type == "a section"
    assert keys["inner.ratio"].type == "a path or a number above 0 and below 1 or null"
    assert keys["inner.ratio"].description == "File or share."
    assert keys["label"].type == "text of at least 2 characters"


def test_no_key_of_a_run_lacks_a_description():
    for key in describe():
        assert len(key.description) > 10, key.path
        assert key.description.endswith("."), key.path


def test_run_keys_with_their_words():
    keys = {key.path: key for key in describe()}
    assert keys["train.learning_rate"].type == "a number above 0 and at most 1 or auto"
    assert keys["train.learning_rate"].default == "auto"
    assert keys["method.rank"].type == "a whole number of at least 1 and at most 1024 or auto"
    assert keys["data.train"].default == "required"
    assert keys["data.columns"].type == "a section or null"
    assert keys["data.columns.prompt"].description == "Column with the user's text."


def test_markdown_has_a_table_a_section_and_a_row_a_key():
    text = render_markdown()
    assert "## `data.columns`" in text
    for key in describe():
        assert text.count(f"| `{key.path}` |") == 1
    widths = {
        line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")
    }
    assert widths == {5}


def test_markdown_escapes_what_would_end_a_cell():
    assert "Kind \\| sort." in render_markdown(describe(Outer))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"flag": 1}, "flag is 1, expected true or false"),
        ({"flag": None}, "flag is null, expected true or false"),
        (
            {"flag": True, "inner": {"ratio": 2.0}},
            "inner.ratio is 2.0, expected a path or a number above 0 and below 1 or null",
        ),
    ],
)
def test_problem_is_one_sentence_a_key(value, text):
    with pytest.raises(ValueError, match="validation error") as caught:
        Outer.model_validate(value, strict=True)
    assert [problem.text for problem in explain(caught.value, Outer)] == [text]


def test_top_level_is_a_section():
    assert set(RunConfig.model_fields) <= {key.path for key in describe()}
