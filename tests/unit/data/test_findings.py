import json
import pickle
from pathlib import Path

import pytest

from tunery.config.data import ColumnMapping
from tunery.data.findings import CODES, Place
from tunery.data.read import read_conversations

A = {"role": "assistant", "content": "b"}
U = {"role": "user", "content": "a"}


def chat(*messages: object, **keys: object) -> str:
    return json.dumps({"messages": list(messages), **keys})


# A smallest file for every code.
SAMPLES = {
    "file.not_utf8": b"\xff\xfa",
    "file.columns_unused": chat(U, A),
    "json.invalid": "{",
    "json.duplicate_key": '{"messages": [], "messages": [1]}',
    "json.not_object": "3",
    "chat.missing_messages": '{"message": 1}',
    "chat.messages_is_text": '{"messages": "[]"}',
    "chat.messages_not_list": '{"messages": 3}',
    "chat.no_messages": chat(),
    "chat.message_not_object": chat(3),
    "chat.missing_role": chat({"content": "a"}),
    "chat.unknown_role": chat({"role": "bot", "content": "a"}),
    "chat.missing_content": chat({"role": "user"}),
    "chat.content_null": chat({"role": "user", "content": None}),
    "chat.content_not_text": chat({"role": "user", "content": 3}),
    "chat.part_not_supported": chat({"role": "user", "content": [3]}),
    "chat.tools_not_supported": chat(U, A, tools=[{}]),
    "chat.no_assistant": chat(U),
    "chat.empty_assistant": chat({**A, "content": ""}),
    "chat.invalid_weight": chat({**A, "weight": 2}),
    "chat.weight_unused": chat({**U, "weight": 1}, A),
    "chat.nothing_learned": chat({**A, "weight": 0}),
    "chat.assistant_not_last": chat(A, U),
    "chat.system_not_first": chat(U, {**U, "role": "system"}, A),
    "chat.unknown_key": chat(U, A, id=1),
    "chat.unknown_message_key": chat({**U, "name": "Ada"}, A),
    "pair.missing_key": '{"completion": "b"}',
    "pair.not_text": '{"prompt": 3, "completion": "b"}',
    "pair.empty_completion": '{"prompt": "a", "completion": ""}',
    "pair.unknown_key": '{"prompt": "a", "completion": "b", "id": 1}',
    "csv.bad_quotes": 'prompt,completion\n"a"b,c\n',
    "csv.ragged_row": "prompt,completion\na\n",
    "text.half_character": '{"prompt": "\\ud83d", "completion": "b"}',
    "text.placeholder": chat({**A, "content": "{{name}}"}),
    "row.duplicate": chat(A) + "\n" + chat(A),
}


# Found when a row meets a model: tests/unit/pipelines/test_prepare.py has their samples.
WHEN_RENDERED = {"row.template", "row.too_long", "row.nothing_trained"}


def test_every_code_has_a_sample() -> None:
    assert sorted({*SAMPLES, *WHEN_RENDERED}) == sorted(CODES)


@pytest.mark.parametrize("code", SAMPLES)
def test_every_code_can_be_found(tmp_path: Path, code: str) -> None:
    sample = SAMPLES[code]
    path = tmp_path / ("rows.csv" if code.startswith("csv.") else "rows.jsonl")
    path.write_bytes(sample if isinstance(sample, bytes) else sample.encode())
    mapping = ColumnMapping(prompt="a", completion="b") if code == "file.columns_unused" else None
    result = read_conversations(path, columns=mapping)
    finding = next(f for f in result.findings if f.code == code)
    assert finding.severity == CODES[code].severity
    assert finding.message
    assert finding.hint
    assert (finding.severity == "error") == (result.left_out == 1)


def test_codes_are_documented_in_one_sentence() -> None:
    for code, (severity, meaning) in CODES.items():
        assert code.count(".") == 1
        assert severity in ("error", "warning")
        assert meaning.endswith(".")


def test_a_finding_travels_between_processes() -> None:
    finding = Place("rows.jsonl", 3).found("json.invalid", "message", "hint")
    assert pickle.loads(pickle.dumps(finding)) == finding
