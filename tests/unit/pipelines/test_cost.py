"""Estimates on a tiny model's folder; nothing is trained."""

import json
from datetime import date

import pytest

from tunery.config.data import DataSection
from tunery.data.cost import MachinePrices
from tunery.data.prices import PriceEntry, TokenPrices
from tunery.errors import DataError, UserError
from tunery.pipelines.cost import Asked, estimate
from tunery.testing.tiny_models import save_tiny_model

PRICES = {
    "a/b": PriceEntry(
        model="m",
        training=5,
        longest_row=40,
        base=TokenPrices(input=1, output=1),
        tuned=TokenPrices(input=1, output=1),
        as_of=date(2026, 11, 1),
        source="s",
    )
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def reckon(tmp_path, folder):
    def make(*rows, asked=None, model=folder, prices=PRICES):
        file = tmp_path / "rows.jsonl"
        file.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
        return estimate(
            DataSection(train=file),
            str(model),
            tmp_path,
            asked or Asked(),
            prices,
            offline=True,
            log=lambda _: None,
        )

    return make


def row(question="Q", answer="A", weight=1):
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer, "weight": weight},
        ]
    }


def test_tokens_are_those_of_the_template_times_the_epochs(reckon):
    found = reckon(row("ab"), row("c"), asked=Asked(epochs=4))

    question, answer = len("<user\nab>\n") + len("<assistant\n"), len("A>")
    assert found.tokens == 2 * (question + answer) - 1
    assert found.supervised_tokens == 2 * answer
    assert found.hosted[0].tokens == 4 * found.tokens
    assert found.hosted[0].training == pytest.approx(4 * found.tokens * 5e-6)
    assert found.requests is found.hosted[0].break_even is None


def test_auto_is_what_a_run_takes_and_given_numbers_stay(reckon):
    rows = [row(f"q {number}") for number in range(12)]

    auto, fixed = reckon(*rows), reckon(*rows, asked=Asked(epochs=2, batch_size=5))

    assert [(c.name, c.value) for c in auto.choices] == [
        *(("train.epochs", "8"), ("train.batch_size", "8"), ("method.rank", "16"))
    ]
    assert auto.local.forecast.steps == 16
    assert [(c.value, c.reason) for c in fixed.choices[:2]] == [("2", "given"), ("5", "given")]
    assert fixed.local.forecast.steps == 6


def test_every_row_is_counted_or_has_an_error(reckon):
    found = reckon(row("a"), "{nonsense", row("b", weight=0), row("long" * 200))

    assert (found.total, found.rows, found.left_out) == (4, 2, 2)
    errors = [finding for finding in found.findings if finding.severity == "error"]
    assert [finding.code for finding in errors] == ["json.invalid", "row.nothing_trained"]
    assert (found.local.rows, found.local.too_long) == (1, 1)
    assert found.hosted[0].cut_rows == 1


def test_requests_are_like_the_rows(reckon):
    asked = Asked(epochs=1, saved_tokens=1000, per_day=10)

    found = reckon(row("abc", "xyz"), asked=asked)

    assert found.requests.prompt_tokens + found.requests.answer_tokens == found.tokens
    assert found.requests.answer_tokens == len("xyz>")
    assert found.hosted[0].break_even.saving == pytest.approx(0.001)
    assert found.hosted[0].break_even.requests == 1


def test_this_machine_has_a_price(reckon):
    asked = Asked(machine=MachinePrices(per_hour=3600))

    found = reckon(row(), asked=asked).local

    assert found.money.total == pytest.approx(found.forecast.seconds)


def test_a_model_without_a_known_architecture_has_no_time_but_tokens(reckon, tmp_path, folder):
    other = tmp_path / "other"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "granite"}))

    found = reckon(row(), model=other)

    assert found.local.forecast is found.local.money is None
    assert "'granite'" in found.local.reason
    assert found.hosted[0].training > 0


def test_a_file_without_a_row_to_train_is_refused(reckon):
    with pytest.raises(DataError, match="1 are in the file, 1 can be rendered, none"):
        reckon(row("long" * 200))


def test_a_folder_with_a_broken_tokenizer_is_refused(reckon, tmp_path, folder):
    other = tmp_path / "broken"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "tokenizer_config.json").write_text("{nonsense")

    with pytest.raises(UserError, match="no tokenizer that can be loaded"):
        reckon(row(), model=other)
