import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.checks.privacy import check_privacy
from tunery.data.checks.redact import redact
from tunery.data.checks.sensitive import may_hold, spans
from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.findings import Place
from tunery.data.records import Judged, Preference, Record, Reinforcement, Text

PLACE = Place("rows.jsonl", 4)
HEX = "0123456789abcdef0123456789abcdef01234567"
# Put together here, so that no scanner of this repository takes them for real ones.
SECRETS = {
    "a key of OpenAI": "sk-" + "proj-" + HEX,
    "a key of Anthropic": "sk-" + "ant-api03-" + HEX,
    "a key of AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "a token of GitHub": "ghp" + "_" + HEX,
    "a token of GitLab": "glpat" + "-" + HEX,
    "a token of Slack": "xoxb" + "-" + HEX,
    "a key of Stripe": "sk" + "_live_" + HEX,
    "a key of Google": "AIza" + HEX[:35],
    "a token of Hugging Face": "hf" + "_" + HEX,
    "a key of SendGrid": "SG." + HEX[:22] + "." + HEX,
    "a token of npm": "npm" + "_" + HEX[:36],
    "a token of PyPI": "pypi" + "-" + HEX + HEX,
    "a JSON web token": "eyJ" + HEX + ".eyJ" + HEX + "." + HEX,
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
}
PERSONAL = {
    "an e-mail address": "ada.l@lovelace.org",
    "a phone number": "+49 30 901820",
    "a card number": "4111 1111 1111 1111",
    "an IBAN": "DE89 3704 0044 0532 0130 00",
    "a social security number": "536-90-4399",
    "an IP address": "81.2.69.142",
}
NOTHING = [
    "The order 1234567890123456 of 2024-05-12 costs 1,299.00.",
    "Version 10.0.0.1 runs at 127.0.0.1, write to me@example.com",
    "card_payment_wrong_exchange_rate and balance_not_updated_after_bank_transfer",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    "Call +99 999 999 999 or +0 000 0000; from 999.1.1.1 or 300.300.300.300",
    "@decorator a@b sk-learn hf_hub https://host:80/path@2x",
]


def row(text: str) -> Conversation:
    return Conversation((Message("user", text), Message("assistant", "ok")))


@pytest.mark.parametrize("kind", [*SECRETS, *PERSONAL])
def test_each_kind_is_named_and_not_shown(kind: str) -> None:
    value = {**SECRETS, **PERSONAL}[kind]
    [finding] = check_privacy(row(f"Take {value} please"), PLACE)
    assert finding.code == ("privacy.secret" if kind in SECRETS else "privacy.personal")
    assert f"{kind} (message 1, user)" in finding.message
    assert value[4:] not in finding.message + finding.hint


def test_system_prompts_are_looked_at() -> None:
    record = Conversation((Message("system", "Ask ada.l@lovelace.org"), Message("assistant", "ok")))
    for _ in range(2):
        [finding] = check_privacy(record, PLACE)
        assert "(message 1, system)" in finding.message


def test_other_ways_of_writing() -> None:
    assert [span.mask for span in spans("ü€🙂 +1 415 555 2671 é a@lovelace.org")] == [
        "PHONE",
        "EMAIL",
    ]
    masked, _ = redact(row("ü€🙂\ud83d +1 415 555 2671."))
    assert "ü€🙂\ud83d [PHONE_1]." in masked.messages[0].content  # type: ignore[union-attr]
    for phone in ("(415) 555-2671", "415-555-2671", "+14155552671"):
        assert [span.mask for span in spans(f"call {phone} now")] == ["PHONE"]
    [span] = spans("postgres://ada:hunter22@db.host/x")
    assert (span.mask, span.start, span.end) == ("PASSWORD", 15, 23)
    assert [span.mask for span in spans("GB82WEST12345698765432")] == ["IBAN"]


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_it(text: str) -> None:
    assert not list(check_privacy(row(text), PLACE))
    assert redact(row(text)) == (row(text), [])


@pytest.mark.parametrize("value", [*SECRETS.values(), *PERSONAL.values()])
def test_the_quick_look_misses_nothing(value: str) -> None:
    assert may_hold(f"é{value}é")
    assert not may_hold("The sum of 12 and 30 is 42, so buy 3 of them.")


@pytest.mark.parametrize("value", [*SECRETS.values(), *PERSONAL.values()])
def test_masked_rows_have_no_finding(value: str) -> None:
    masked, done = redact(row(f"a {value} b {value}"))
    assert not list(check_privacy(masked, PLACE))
    assert done
    assert value not in repr(masked)


def test_equal_values_get_equal_placeholders() -> None:
    text = "a@lovelace.org, b@lovelace.org and a@lovelace.org"
    masked, done = redact(row(text))
    assert isinstance(masked, Conversation)
    assert masked.messages[0].content == "[EMAIL_1], [EMAIL_2] and [EMAIL_1]"
    assert done == ["3 x an e-mail address"]


def test_arguments_stay_json() -> None:
    arguments = json.dumps(
        {"card": 4111111111111111, "to": ["a@lovelace.org"], "b@lovelace.org": True, "n": 1.5}
    )
    turn = Message("assistant", "", tool_calls=(ToolCall("pay", arguments),))
    masked, _ = redact(Conversation((turn,)))
    assert isinstance(masked, Conversation)
    assert json.loads(masked.messages[0].tool_calls[0].arguments) == {
        "card": "[CARD_1]",
        "to": ["[EMAIL_1]"],
        "[EMAIL_2]": True,
        "n": 1.5,
    }
    [finding] = check_privacy(Conversation((turn,)), PLACE)
    assert "(message 1, a call)" in finding.message


def test_arguments_without_finds_or_not_json() -> None:
    calls = (ToolCall("f", '{ "a":1 }'), ToolCall("f", "{'to': 'a@lovelace.org'}"))
    turn = Message("assistant", "", tool_calls=calls)
    masked, _ = redact(Conversation((turn,)))
    assert isinstance(masked, Conversation)
    texts = [call.arguments for call in masked.messages[0].tool_calls]
    assert texts == ['{ "a":1 }', "{'to': '[EMAIL_1]'}"]


def test_every_kind_of_record_is_masked() -> None:
    said = (Message("user", "a@lovelace.org"),)
    rows: list[Record] = [
        Text("a@lovelace.org"),
        Preference(said, said, said),
        Judged(said, said, good=False),
        Reinforcement(said, '{"to": "a@lovelace.org"}'),
    ]
    for record in rows:
        assert list(check_privacy(record, PLACE))
        masked, _ = redact(record)
        assert "lovelace" not in repr(masked)
        assert type(masked) is type(record)


@pytest.mark.parametrize(
    "text",
    ["1" * 300_000, "1 " * 200_000, "a" * 300_000 + "@", "eyJ" * 100_000, "a@" * 100_000,
     "sk-" * 100_000, "-----BEGIN " * 30_000, "://a:" * 60_000 + "@", "DE12" * 80_000,
     "+1" * 200_000, "1.1." * 100_000],
)  # fmt: skip
def test_no_text_hangs(text: str) -> None:
    started = time.perf_counter()
    list(check_privacy(row(text), PLACE))
    assert time.perf_counter() - started < 2


PIECES = st.lists(
    st.sampled_from([*SECRETS.values(), *PERSONAL.values(), " ", "1", "a", "@", "-", "é", "{"]),
    max_size=8,
).map("".join)


@given(PIECES | st.text())
def test_any_text_is_masked_for_good(text: str) -> None:
    masked, done = redact(row(text))
    assert bool(done) == bool(spans(text))
    assert redact(masked)[0] == masked
