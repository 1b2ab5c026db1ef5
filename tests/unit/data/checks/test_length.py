from tunery.data.checks.length import CHARACTERS_A_TOKEN, USUAL_CONTEXT, check_length
from tunery.data.conversation import Conversation, Message
from tunery.data.findings import Place
from tunery.data.records import Record, Text

MOST = CHARACTERS_A_TOKEN * USUAL_CONTEXT
PLACE = Place("rows.jsonl", 4)


def codes(record: Record) -> list[str]:
    return [finding.code for finding in check_length(record, PLACE)]


def test_a_row_of_many_characters_is_told() -> None:
    assert codes(Conversation((Message("user", "a" * MOST),))) == []
    (finding,) = check_length(
        Conversation((Message("user", "a" * MOST), Message("assistant", "b"))), PLACE
    )
    assert (finding.code, finding.severity) == ("row.long", "warning")
    assert "32,769 characters, about 8,192 tokens" in finding.message


def test_tools_count_too() -> None:
    assert codes(Conversation((Message("user", "a"),), tools="t" * MOST)) == ["row.long"]


def test_a_plain_text_may_be_long() -> None:
    assert codes(Text("a" * 10 * MOST)) == []
