"""What can be found in a data file: one table of codes, and the record of one finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    """What a code stands for.

    Attributes:
        severity: "error" leaves the row out, "warning" keeps it.
        meaning: One sentence for the documentation.
    """

    severity: Severity
    meaning: str


# Codes are read by programs: a code keeps its meaning for ever, a new meaning gets a new code.
CODES: dict[str, Code] = {
    "file.unusable": Code("error", "The file as a whole cannot be read as rows."),
    "file.not_utf8": Code("error", "The line has bytes that are not UTF-8 text."),
    "file.broken_packing": Code("error", "The gzip or zstd data break off or are broken here."),
    "file.broken_table": Code("error", "A Parquet or Arrow file is broken from this row on."),
    "file.line_too_long": Code("error", "The line is longer than any row can be."),
    "file.unpacks_too_large": Code("error", "Few bytes unpack to very many; the rest is not read."),
    "file.zero_byte": Code("error", "The line holds a zero byte, which text does not."),
    "json.array_broken": Code("error", "A JSON array cannot be read from this row on."),
    "json.not_finite": Code("error", "A number is NaN, infinite or too large to be kept."),
    "table.bad_value": Code("error", "A value of a table has no form in JSON, such as bytes."),
    "json.invalid": Code("error", "The line is not valid JSON."),
    "json.duplicate_key": Code("error", "A key occurs twice in one JSON object."),
    "json.not_object": Code("error", "The line is JSON, but not an object."),
    "chat.missing_messages": Code("error", "The row has no `messages` key."),
    "chat.messages_is_text": Code("error", "`messages` is a text that holds JSON, not a list."),
    "chat.messages_not_list": Code("error", "`messages` is neither a list nor a text."),
    "chat.no_messages": Code("error", "`messages` is an empty list."),
    "chat.message_not_object": Code("error", "A message is not an object."),
    "chat.missing_role": Code("error", "A message has no role."),
    "chat.unknown_role": Code("error", "A message has a role that is not one of the known."),
    "chat.missing_content": Code("error", "A message has no `content` key."),
    "chat.content_null": Code("error", "The content of a message is null."),
    "chat.content_not_text": Code("error", "The content is neither a text nor a list of parts."),
    "chat.part_not_supported": Code("error", "A part of the content is not a text part."),
    "chat.no_assistant": Code("error", "No turn is the assistant's, so nothing can be learned."),
    "chat.empty_assistant": Code("error", "An assistant turn that is to be learned is empty."),
    "chat.invalid_weight": Code("error", "A weight is neither 0 nor 1."),
    "chat.weight_unused": Code("warning", "A weight stands on a turn that is never learned."),
    "chat.nothing_learned": Code("warning", "Every assistant turn has the weight 0."),
    "chat.assistant_not_last": Code("warning", "Turns follow the last assistant turn."),
    "chat.system_not_first": Code("warning", "A system turn follows a turn of another role."),
    "chat.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "chat.unknown_message_key": Code(
        "warning", "Messages have a key that is not used; once a key."
    ),
    "chat.arguments_not_text": Code(
        "error", "The arguments of a call are neither a text nor an object."
    ),
    "chat.arguments_object": Code(
        "warning", "Arguments of calls are objects, read as JSON text; once a file."
    ),
    "chat.call_not_function": Code("error", "A tool call is of another type than function."),
    "chat.call_not_object": Code("error", "A tool call is not an object."),
    "chat.call_without_name": Code("error", "A tool call does not name a tool."),
    "chat.calls_of_another": Code("error", "A turn that is not the assistant's calls a tool."),
    "chat.id_not_text": Code("error", "An id or a name is not a text."),
    "chat.parallel_not_bool": Code("error", "`parallel_tool_calls` is neither true nor false."),
    "chat.refusal_as_answer": Code(
        "warning", "A `refusal` without content is read as the answer; once a file."
    ),
    "chat.tool_calls_not_list": Code("error", "`tool_calls` is not a list."),
    "chat.tools_not_list": Code("error", "The tools of the row are not a list of objects."),
    "alpaca.bad_history": Code("error", "`history` is not a list of pairs of texts."),
    "alpaca.bad_instances": Code("error", "`instances` is not a list of objects."),
    "alpaca.empty_output": Code("error", "`output` is empty."),
    "alpaca.missing_key": Code("error", "The row has no `instruction` or no `output` key."),
    "alpaca.not_text": Code("error", "A key of an Alpaca row does not hold a text."),
    "alpaca.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "classification.bad_label": Code("error", "The label is neither a text nor a whole number."),
    "classification.empty_text": Code("error", "The text to classify is empty."),
    "classification.missing_key": Code("error", "The row has no `text` key."),
    "classification.not_text": Code("error", "The text to classify is not a text."),
    "classification.number_label": Code("warning", "Labels are numbers; once a file."),
    "classification.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "kto.bad_label": Code("error", "The label of an answer says neither good nor bad."),
    "kto.empty_answer": Code("error", "The judged answer is empty."),
    "kto.missing_key": Code("error", "The row has no `prompt` or no `completion` key."),
    "kto.no_assistant": Code("error", "No turn of the judged answer is the assistant's."),
    "kto.not_text": Code("error", "Prompt or answer is neither a text nor a list of messages."),
    "kto.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "pair.missing_key": Code("error", "The row has no `prompt` or no `completion` key."),
    "pair.not_text": Code("error", "The prompt, completion or system prompt is not a text."),
    "pair.empty_completion": Code("error", "The completion is empty."),
    "pair.no_assistant": Code("error", "No turn of the completion is the assistant's."),
    "pair.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "plain.empty_text": Code("error", "The text is empty."),
    "plain.missing_key": Code("error", "The row has no `text` key."),
    "plain.not_text": Code("error", "`text` does not hold a text."),
    "plain.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "preference.bad_input": Code("error", "`input` is not an object with messages."),
    "preference.empty_answer": Code("error", "One of the two answers is empty."),
    "preference.missing_key": Code("error", "The row lacks an answer or the instruction."),
    "preference.no_assistant": Code("error", "No turn of an answer is the assistant's."),
    "preference.not_text": Code("error", "A key is neither a text nor a list of messages."),
    "preference.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "qa.bad_answers": Code("error", "The answers are neither a text nor a list of texts."),
    "qa.bad_nesting": Code("error", "SQuAD's data, paragraphs or qas is not a list of objects."),
    "qa.empty_question": Code("error", "The passage or the question is empty."),
    "qa.missing_key": Code("error", "The row has no `context` or no `question` key."),
    "qa.more_answers": Code("warning", "Rows have several different answers; once a file."),
    "qa.not_text": Code("error", "The passage, question or system prompt is not a text."),
    "qa.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "reinforcement.ends_with_answer": Code("error", "The last message is the assistant's."),
    "reinforcement.item_not_json": Code("error", "A key for the grader cannot be said in JSON."),
    "reinforcement.no_item": Code("warning", "The row has no key for a grader."),
    "convert.not_held": Code("error", "The target of a conversion has no place for the row."),
    "sharegpt.bad_call": Code("error", "A `function_call` is not the JSON of a call."),
    "sharegpt.no_turns": Code("error", "`conversations` is missing or no list of turns."),
    "sharegpt.not_text": Code("error", "The system prompt is not a text."),
    "sharegpt.unknown_key": Code("warning", "Rows have a key that is not used; once a key."),
    "csv.bad_quotes": Code("error", "The quotes of the row do not fit the rules of CSV."),
    "csv.ragged_row": Code("error", "The row has more or fewer cells than the header."),
    "text.half_character": Code("error", "A text holds half a character (a lone surrogate)."),
    "text.placeholder": Code(
        "warning", "Answers hold a placeholder such as {{name}}; once a placeholder."
    ),
    "data.too_few_rows": Code("warning", "The file has fewer rows than hosted services take."),
    "label.imbalance": Code("warning", "One label has many times the rows of another."),
    "label.noise": Code("warning", "Rows with the same prompt have different answers."),
    "label.rare": Code("warning", "Labels have a single row."),
    "label.spelling": Code("warning", "Labels differ only in case, spaces or punctuation."),
    "label.unseen": Code("warning", "Labels of held-out rows do not occur in training."),
    "language.mix": Code("warning", "More than 5 % of the rows are in another language."),
    "language.mismatch": Code("warning", "Answers are often in another language than prompts."),
    "leak.near": Code("warning", "A held-out row is nearly the same as a training row."),
    "leak.prompt": Code("warning", "A held-out row has the prompt of a training row."),
    "leak.row": Code("warning", "A held-out row is also a training row."),
    "preference.length_bias": Code("warning", "The better answer is nearly always the longer."),
    "preference.same_answers": Code("warning", "Both answers are the same."),
    "preference.same_but_space": Code("warning", "Both answers differ only in whitespace."),
    "privacy.personal": Code("warning", "The row holds what looks like personal data."),
    "privacy.secret": Code("warning", "The row holds what looks like a key or password."),
    "row.near_duplicate": Code("warning", "The row is nearly the same as an earlier row."),
    "text.answer_in_prompt": Code("warning", "The prompt ends with the answer."),
    "text.answer_is_prompt": Code("warning", "The answer repeats the prompt."),
    "text.answer_spaces": Code("warning", "Some answers begin or end in whitespace, not all."),
    "text.control_token": Code("warning", "A text holds a control token of a model family."),
    "text.invisible": Code("warning", "A text holds characters that cannot be seen."),
    "text.mojibake": Code("warning", "A text was decoded with the wrong encoding."),
    "text.prompt_ends_in_space": Code("warning", "Prompts end in a space."),
    "text.repetitive": Code("warning", "An answer repeats one piece over and over."),
    "tool_calls.arguments_break_schema": Code(
        "warning", "The arguments of a call break the tool's JSON schema."
    ),
    "tool_calls.arguments_encoded_twice": Code(
        "error", "The arguments of a call were turned into JSON twice."
    ),
    "tool_calls.arguments_not_json": Code("error", "The arguments of a call are not JSON."),
    "tool_calls.arguments_not_object": Code("error", "The arguments are JSON, but no object."),
    "tool_calls.arguments_not_compared": Code(
        "warning", "The arguments are too long or odd to be compared with the tool's schema."
    ),
    "tool_calls.missing_result": Code("warning", "A call has no result, and the row goes on."),
    "tool_calls.no_tools": Code("warning", "The row calls tools, but offers none."),
    "tool_calls.parallel": Code("warning", "Several calls in a turn, where the row forbids it."),
    "tool_calls.result_without_call": Code("error", "A tool's result comes before any call."),
    "tool_calls.unknown_id": Code("error", "A tool's result answers no open call."),
    "tool_calls.unknown_tool": Code("error", "A call names a tool that the row does not offer."),
    "tools.bad_parameters": Code("warning", "The parameters of a tool are not a JSON schema."),
    "tools.duplicate_name": Code("error", "Two tools have the same name."),
    "tools.no_name": Code("error", "A tool has no name."),
    "tools.not_list": Code("error", "The tools are not a list."),
    "row.duplicate": Code("warning", "The row says the same as an earlier row."),
    "row.long": Code("warning", "The row has so many characters that many models cannot take it."),
    "row.template": Code("error", "The model's chat template cannot render the row."),
    "row.too_long": Code("error", "The row has more tokens than fit."),
    "row.nothing_trained": Code("error", "No token of the row has a loss weight."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or odd, in a data file.

    Attributes:
        code: Stable name of the kind of finding, a key of `CODES`.
        severity: "error": the row is left out; "warning": the row is used.
        file: Path of the file, as the user gave it.
        line: Line on which the row starts, from 1; 0 if the finding is about the whole file.
        message: What was found and what was expected.
        hint: What to do about it.
    """

    code: str
    severity: Severity
    file: str
    line: int
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row starts.

    Attributes:
        file: Path of the file, as the user gave it.
        line: Line in it, from 1; 0 for the whole file.
    """

    file: str
    line: int

    def found(self, code: str, message: str, hint: str) -> Finding:
        """A finding at this place, with the severity of its code."""
        return Finding(code, CODES[code].severity, self.file, self.line, message, hint)
