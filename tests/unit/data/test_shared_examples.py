"""Real and broken files kept beside the checkout, where they are there."""

from pathlib import Path

import pytest

from tunery.data.read import read_conversations, read_records
from tunery.errors import DataError

SHARED = Path(__file__).parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no sample data at {SHARED}")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("case01_utf8_bom", []),
        ("case03_cp1252_bytes", [(3, "file.not_utf8")]),
        ("case06_blank_lines", []),
        ("case10_json_array_not_jsonl", []),
        ("case12_unescaped_inner_quote", [(4, "json.invalid")]),
        ("case14_python_repr_single_quotes", [(4, "json.invalid")]),
        ("case16_raw_newline_in_string", [(n, "json.invalid") for n in (4, 5, 6)]),
        ("case19_two_objects_one_line", [(4, "json.invalid")]),
        ("case25_missing_messages_key", [(4, "chat.missing_messages")]),
        ("case28_unknown_role", [(4, "chat.unknown_role")]),
        ("case31_no_assistant_turn", [(4, "chat.no_assistant")]),
        ("case33_system_then_assistant", []),
        ("case35_consecutive_user_turns", []),
        ("case38_empty_assistant", [(4, "chat.empty_assistant")]),
        ("case40_empty_prompt", []),
        ("case41_content_null_no_tool", [(4, "chat.content_null")]),
        ("case43_content_number", [(4, "chat.content_not_text")]),
        ("case46_messages_as_string", [(4, "chat.messages_is_text")]),
        ("case49_tool_call_no_content", []),
        ("case52_tool_args_not_json", [(4, "tool_calls.arguments_not_json")]),
        ("case55_legacy_function_call", []),
        ("case62_too_long_prompt", [(4, "row.long"), (4, "text.prompt_ends_in_space")]),
        ("case64_special_tokens_in_content", [(4, "text.control_token")]),
        ("case66_placeholders_left", [(1, "text.placeholder")] * 2),
        ("case67_legacy_separator_style", []),
        ("case72_weights_ok", []),
    ],
)
def test_broken_files_get_their_verdict(name: str, expected: list[tuple[int, str]]) -> None:
    result = read_conversations(SHARED / "malformed" / f"{name}.jsonl")
    assert [(finding.line, finding.code) for finding in result.findings] == expected
    bad_lines = {f.line for f in result.findings if f.severity == "error"}
    assert result.total == len(result.rows) + len(bad_lines)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("case58_dpo_chosen_equals_rejected", "holds preference rows"),
    ],
)
def test_files_of_another_kind_are_refused(name: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_conversations(SHARED / "malformed" / f"{name}.jsonl")


@pytest.mark.parametrize(
    ("name", "total", "codes"),
    [
        ("banking77/chat_train.jsonl", 1001, set()),
        ("banking77/chat_test.jsonl", 307, set()),
        ("gsm8k/chat_train_1000.jsonl", 1000, {"text.invisible"}),
        (
            "wikisql/chat_train.jsonl",
            1000,
            {"row.duplicate", "text.invisible", "text.prompt_ends_in_space"},
        ),
        ("squad_v2_articles_a/chat.jsonl", 1001, {"chat.unknown_key"}),
        ("openai_toy/toy_chat_fine_tuning.jsonl", 5, {"text.repetitive"}),
        ("drone_tool_calls/drone_training.jsonl", 103, set()),
        (
            "self_instruct/seed_tasks.jsonl",
            175,
            {"alpaca.unknown_key", "privacy.personal", "text.placeholder"},
        ),
        (
            "self_instruct/user_oriented_instructions.jsonl",
            252,
            {"alpaca.unknown_key", "privacy.personal", "text.invisible", "text.placeholder"},
        ),
    ],
)
def test_real_files_are_read_whole(name: str, total: int, codes: set[str]) -> None:
    result = read_conversations(SHARED / name)
    assert (result.total, len(result.rows)) == (total, total)
    assert {finding.code for finding in result.findings} == codes


@pytest.mark.parametrize(
    ("name", "format", "codes"),
    [
        ("instructions/instruction-data.json", "alpaca", set()),
        ("legacy_formats/identity.json", "alpaca", set()),
        ("legacy_formats/glaive_toolcall_en_demo.json", "sharegpt", set()),
        (
            "preference/instruction-data-with-preference.json",
            "alpaca_preference",
            {"preference.unknown_key"},
        ),
    ],
)
def test_real_arrays_are_read_whole(name: str, format: str, codes: set[str]) -> None:
    result = read_records(SHARED / name)
    assert (result.format, result.left_out) == (format, 0)
    unknown = {f.code for f in result.findings if f.code.endswith("unknown_key")}
    assert unknown == codes


@pytest.mark.parametrize("name", ["arc_easy", "piqa", "lambada_openai", "mmlu_dev"])
def test_files_for_evaluation_alone_are_refused(name: str) -> None:
    with pytest.raises(DataError, match='have the keys "') as caught:
        read_records(SHARED / "retention" / f"{name}.jsonl")
    assert "data.columns" in caught.value.hint
