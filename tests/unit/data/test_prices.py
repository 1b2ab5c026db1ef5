"""The delivered price table, and what a user's own file changes in it."""

import re
from datetime import date

import pytest

from tunery.config.text import MAX_BYTES
from tunery.data.prices import load_prices
from tunery.errors import ConfigError, NotFoundError

OWN = """\
ours/small:
  model: ours
  training: 2
  as_of: 2026-11-01
  source: our contract
"""


@pytest.fixture
def table(tmp_path):
    def write(content, name="prices.yaml"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def test_every_delivered_entry_has_a_date_and_an_address():
    prices = load_prices()
    assert prices["openai/gpt-4.1-mini"].training == 5
    assert prices["openai/gpt-4.1-mini"].closes == date(2027, 1, 6)
    for name, entry in prices.items():
        assert re.fullmatch(r"[a-z]+/[a-z0-9.-]+", name)
        assert entry.source.startswith("https://")
        assert date(2026, 1, 1) < entry.as_of < date(2027, 1, 1)


def test_own_entries_are_added_replaced_and_left_out(table):
    first = table(OWN + "openai/gpt-4.1: null\n")
    second = table(OWN.replace("training: 2", "training: 3"), "later.yaml")

    prices = load_prices([first, second])

    assert "openai/gpt-4.1" not in prices
    assert prices["ours/small"].training == 3
    assert prices["openai/gpt-4.1-mini"] == load_prices()["openai/gpt-4.1-mini"]


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "\ufeff" + OWN])
def test_an_empty_file_and_a_byte_order_mark_are_fine(table, content):
    assert set(load_prices()) <= set(load_prices([table(content)]))


def test_all_mistakes_are_told_at_once_with_their_lines(table):
    file = table(
        OWN.replace("training: 2", "training: '2'").replace("as_of: 2026-11-01", "as_of: May")
        + "other:\n  model: m\n  trainig: 3\n  base: {input: -1, output: 2}\n"
        + "third: 5\n"
    )

    with pytest.raises(ConfigError) as caught:
        load_prices([file])

    lines = caught.value.message.splitlines()
    assert [line.partition(f"{file}:")[2].partition(":")[0] for line in lines] == [
        *("3", "4", "6", "6", "6", "8", "9", "10")
    ]
    message = caught.value.message
    assert "ours/small: training is '2', expected a number of at least 0" in message
    assert "as_of is 'May', expected a date such as 2026-11-25" in message
    assert "trainig is not a key of the configuration; did you mean training?" in message
    assert "base.input is -1, expected a number of at least 0" in message
    assert "third is 5, expected a section with model, training" in message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- 1\n", "the file is [1], expected entries"),
        ("a: [\n", "this is not YAML"),
        ("a: 1\na: 2\n", "a is given twice"),
        (OWN.replace("training: 2", "training: .inf"), "training is"),
        (OWN.replace("training: 2", "training: 1e9"), "at most 1000000"),
        (b"a: \xff\n", "is not UTF-8"),
        (b"#" * (MAX_BYTES + 1), "expected at most"),
    ],
)
def test_what_is_no_table_is_told(table, content, told):
    with pytest.raises(ConfigError, match=re.escape(told)):
        load_prices([table(content)])


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    with pytest.raises(NotFoundError, match="is not there"):
        load_prices([tmp_path / "none.yaml"])
    with pytest.raises(ConfigError, match="cannot be read"):
        load_prices([tmp_path])
