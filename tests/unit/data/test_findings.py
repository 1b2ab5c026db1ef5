import gzip
import json
import pickle
from pathlib import Path

import pytest

from tunery.data.findings import CODES, Place
from tunery.data.formats.table import FORMATS
from tunery.data.read import read_records

A = {"role": "assistant", "content": "b"}
U = {"role": "user", "content": "a"}


def chat(*messages: object, **keys: object) -> str:
    return json.dumps({"messages": list(messages), **keys})


def calling(function: object) -> dict[str, object]:
    return {"role": "assistant", "tool_calls": [{"id": "1", "function": function}]}


def judged(**keys: object) -> str:
    return json.dumps({"prompt": "a", "completion": "b", "label": True, **keys})


def asked(**keys: object) -> str:
    return json.dumps({"context": "a", "question": "b", "answers": ["c"], **keys})


# A smallest file for every code.
SAMPLES = {
    "file.not_utf8": b"\xff\xfa",
    "file.broken_packing": gzip.compress(b'{"text": "a"}\n' * 2 + b"{}")[:-9],
    "file.zero_byte": '{"text": "\0"}',
    "json.array_broken": '[{"text": "a"}, {"text": }]',
    "json.not_finite": '{"text": NaN}',
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
    "chat.no_assistant": chat(U),
    "chat.empty_assistant": chat({**A, "content": ""}),
    "chat.invalid_weight": chat({**A, "weight": 2}),
    "chat.weight_unused": chat({**U, "weight": 1}, A),
    "chat.nothing_learned": chat({**A, "weight": 0}),
    "chat.assistant_not_last": chat(A, U),
    "chat.system_not_first": chat(U, {**U, "role": "system"}, A),
    "chat.unknown_key": chat(U, A, id=1),
    "chat.unknown_message_key": chat({**U, "mood": "good"}, A),
    "chat.arguments_not_text": chat(calling({"name": "f"})),
    "chat.arguments_object": chat(calling({"name": "f", "arguments": {}})),
    "chat.call_not_function": chat({**A, "tool_calls": [{"type": "x", "function": {}}]}),
    "chat.call_not_object": chat({**A, "tool_calls": [3]}),
    "chat.call_without_name": chat(calling({"arguments": "{}"})),
    "chat.calls_of_another": chat({**calling({"name": "f", "arguments": "{}"}), "role": "user"}),
    "chat.id_not_text": chat({**A, "name": 3}),
    "chat.parallel_not_bool": chat(A, parallel_tool_calls=3),
    "chat.refusal_as_answer": chat({"role": "assistant", "refusal": "No."}),
    "chat.tool_calls_not_list": chat({**A, "tool_calls": 3}),
    "chat.tools_not_list": chat(A, tools=3),
    "alpaca.bad_history": json.dumps({"instruction": "a", "output": "b", "history": 3}),
    "alpaca.bad_instances": json.dumps({"instruction": "a", "instances": 3}),
    "alpaca.empty_output": json.dumps({"instruction": "a", "output": ""}),
    "alpaca.missing_key": json.dumps({"instruction": "a", "instances": [{}]}),
    "alpaca.not_text": json.dumps({"instruction": 3, "output": "b"}),
    "alpaca.unknown_key": json.dumps({"instruction": "a", "output": "b", "id": 1}),
    "classification.bad_label": json.dumps({"text": "a", "label": 0.5}),
    "classification.empty_text": json.dumps({"text": "", "label": "x"}),
    "classification.missing_key": json.dumps({"text": "a", "label": "x"}) + '\n{"label": "x"}',
    "classification.not_text": json.dumps({"text": 3, "label": "x"}),
    "classification.number_label": json.dumps({"text": "a", "label": 1}),
    "classification.unknown_key": json.dumps({"text": "a", "label": "x", "id": 1}),
    "kto.bad_label": judged() + "\n" + judged(prompt="c", label="x"),
    "kto.empty_answer": judged(completion=""),
    "kto.missing_key": judged() + '\n{"prompt": "a", "label": true}',
    "kto.no_assistant": judged(completion=[U]),
    "kto.not_text": judged(prompt=3),
    "kto.unknown_key": judged(id=1),
    "pair.no_assistant": json.dumps({"prompt": "a", "completion": [U]}),
    "pair.missing_key": '{"completion": "b"}',
    "pair.not_text": '{"prompt": 3, "completion": "b"}',
    "pair.empty_completion": '{"prompt": "a", "completion": ""}',
    "pair.unknown_key": '{"prompt": "a", "completion": "b", "id": 1}',
    "plain.empty_text": '{"text": ""}',
    "plain.missing_key": '{"text": "a"}\n{"texts": "a"}',
    "plain.not_text": '{"text": 3}',
    "plain.unknown_key": '{"text": "a", "id": 1}',
    "preference.bad_input": '{"preferred_output": "a", "non_preferred_output": "b"}',
    "preference.empty_answer": '{"chosen": "", "rejected": "b"}',
    "preference.missing_key": '{"chosen": "a", "rejected": "b"}\n{"chosen": "a"}',
    "preference.no_assistant": json.dumps({"chosen": [U], "rejected": "b"}),
    "preference.not_text": '{"chosen": 3, "rejected": "b"}',
    "preference.unknown_key": '{"chosen": "a", "rejected": "b", "id": 1}',
    "qa.bad_answers": asked(answers=3),
    "qa.bad_nesting": '{"data": [{"paragraphs": [3]}]}',
    "qa.empty_question": asked(question=""),
    "qa.missing_key": asked() + '\n{"context": "a"}',
    "qa.more_answers": asked(answers=["b", "c"]),
    "qa.not_text": asked(context=3),
    "qa.unknown_key": asked(id=1),
    "reinforcement.ends_with_answer": chat(U, gold="x") + "\n" + chat(U, A, gold="x"),
    "reinforcement.no_item": chat(U, gold="x") + "\n" + chat(U),
    "sharegpt.bad_call": '{"conversations": [{"from": "function_call", "value": "x"}]}',
    "sharegpt.no_turns": '{"conversations": []}',
    "sharegpt.not_text": '{"conversations": [{"from": "gpt", "value": "a"}], "system": 3}',
    "sharegpt.unknown_key": '{"conversations": [{"from": "gpt", "value": "a"}], "id": 3}',
    "csv.bad_quotes": 'prompt,completion\n"a"b,c\n',
    "csv.ragged_row": "prompt,completion\na\n",
    "text.half_character": '{"prompt": "\\ud83d", "completion": "b"}',
    "text.placeholder": chat({**A, "content": "{{name}}"}),
    "row.duplicate": chat(A) + "\n" + chat(A),
}


TESTS = Path(__file__).parents[2]


def test_every_code_is_found_by_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert [code for code in CODES if f'"{code}"' not in tests] == []


@pytest.mark.parametrize("code", SAMPLES)
def test_every_code_can_be_found(tmp_path: Path, code: str) -> None:
    sample = SAMPLES[code]
    path = tmp_path / ("rows.csv" if code.startswith("csv.") else "rows.jsonl")
    path.write_bytes(sample if isinstance(sample, bytes) else sample.encode())
    result = read_records(path)
    finding = next(f for f in result.findings if f.code == code)
    assert finding.severity == CODES[code].severity
    assert finding.message
    assert finding.hint
    assert (finding.severity == "error") == (result.left_out == 1)


def test_a_key_for_the_grader_that_json_cannot_say() -> None:
    """No file holds one, since sources refuse NaN; a caller may."""
    read = FORMATS["reinforcement"].reader(lambda: iter(()))
    row = read({"messages": [U], "gold": float("nan")}, Place("a.jsonl", 1))
    assert "reinforcement.item_not_json" in [finding.code for finding in row.findings]


def test_codes_are_documented_in_one_sentence() -> None:
    for code, (severity, meaning) in CODES.items():
        assert code.count(".") == 1
        assert severity in ("error", "warning")
        assert meaning.endswith(".")


def test_a_finding_travels_between_processes() -> None:
    finding = Place("rows.jsonl", 3).found("json.invalid", "message", "hint")
    assert pickle.loads(pickle.dumps(finding)) == finding
