from tunery.data.checks.preference import LengthBias, check_preference
from tunery.data.conversation import Message, ToolCall
from tunery.data.findings import Place
from tunery.data.records import Preference, Text

PLACE = Place("rows.jsonl", 10)
ASK = (Message("user", "a"),)


def answer(text: str, *calls: ToolCall) -> tuple[Message, ...]:
    return (Message("assistant", text, tool_calls=calls),)


def codes(chosen: str, rejected: str) -> list[str]:
    row = Preference(ASK, answer(chosen), answer(rejected))
    return [finding.code for finding in check_preference(row, PLACE)]


def test_answers_that_teach_nothing() -> None:
    assert codes("yes", "no") == []
    assert codes("yes", "yes") == ["preference.same_answers"]
    assert codes("yes, so", "yes,  so\n") == ["preference.same_but_space"]
    assert codes("", "no") == ["preference.empty_answer"]
    assert codes(" ", "\n") == ["preference.empty_answer"] * 2


def test_calls_are_part_of_an_answer() -> None:
    one, two = ToolCall("f", "{}", "a"), ToolCall("f", '{"x": 1}', "b")
    row = Preference(ASK, answer("", one), answer("", two))
    assert not check_preference(row, PLACE)
    assert check_preference(Preference(ASK, answer("", one), answer("", one)), PLACE)
    assert not check_preference(Text("a"), PLACE)


def test_length_bias() -> None:
    for chosen, rejected, word in (("longer", "no", "longer"), ("no", "longer", "shorter")):
        bias = LengthBias()
        for _ in range(30):
            bias.add(Preference(ASK, answer(chosen), answer(rejected)), PLACE)
        [finding] = bias.findings()
        assert finding.code == "preference.length_bias"
        assert f"the {word} one in 30 of 30 rows (100%)" in finding.message
        assert finding.line == 0


def test_no_bias_in_few_or_mixed_rows() -> None:
    bias = LengthBias()
    bias.add(Text("a"), PLACE)
    for _ in range(19):
        bias.add(Preference(ASK, answer("longer"), answer("no")), PLACE)
    assert not bias.findings()
    for _ in range(19):
        bias.add(Preference(ASK, answer("no"), answer("longer")), PLACE)
    assert not bias.findings()
