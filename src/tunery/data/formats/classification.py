"""A table of texts and their labels, as conversations with a generated system prompt."""

from __future__ import annotations

from collections.abc import Iterator

from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.formats.fields import TextFields
from tunery.data.formats.format import Object, RowReader, Survey
from tunery.data.formats.pair import turns_of_pair
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.unused import unused_keys
from tunery.data.wording import kind_of
from tunery.errors import DataError

MAX_LABELS = 200
_KEYS = ("text", "label", "label_text", "system")


def reader(survey: Survey) -> RowReader:
    """The reader of a file's rows, which knows all labels of the file.

    Args:
        survey: Goes over the file's objects.

    Raises:
        DataError: There are more labels than a classification has.
    """
    labels: set[str] = set()
    for value in survey():
        labels.update(_label(value))
        if len(labels) > MAX_LABELS:
            raise DataError(
                f"The rows have more than {MAX_LABELS} different labels; expected a few that "
                "many rows share.",
                "If each label is an answer of its own, read the rows as prompt_completion, with "
                "the columns prompt: text and completion: label.",
            )
    prompt = system_prompt(labels)

    def read(value: dict[str, object], place: Place) -> Row:
        return _read(value, place, prompt)

    return read


def system_prompt(labels: set[str]) -> str:
    """The instruction that lists the labels, sorted: by value if all are whole numbers."""
    whole = all(label.removeprefix("-").isdecimal() for label in labels)
    order = sorted(labels, key=lambda label: (int(label), label)) if whole else sorted(labels)
    lines = "\n".join(f"- {label}" for label in order)
    return f"Classify the text. Answer with one of these labels and nothing else:\n{lines}"


def _label(value: Object) -> Iterator[str]:
    """The label of a row as the text that is learned; nothing if it has none."""
    label = value.get("label" if value.get("label_text") is None else "label_text")
    if isinstance(label, str) and label.strip():
        yield label
    elif isinstance(label, int) and not isinstance(label, bool):
        yield str(label)


def _read(value: dict[str, object], place: Place, prompt: str) -> Row:
    fields = TextFields(value, place, "classification", _KEYS)
    text, system = fields.filled("text", "empty_text"), fields.optional("system")
    label = next(_label(value), "")
    findings = list(fields.findings)
    if not label:
        findings.append(_bad_label(value, place))
    known = "text" in value and "label" in value
    once = list(unused_keys(value, _KEYS, place, "classification", "classification"))
    if isinstance(value.get("label"), int) and value.get("label_text") is None:
        once.append(
            place.found(
                "classification.number_label",
                "the labels are numbers, which say nothing to the model",
                'Put their names under "label_text" beside them, or write names as labels.',
            )
        )
    messages = turns_of_pair(text, label, system if system.strip() else prompt)
    record = Conversation(messages, place.file, place.line)
    return row_of(place, record, findings, once if known else ())


def _bad_label(value: dict[str, object], place: Place) -> Finding:
    key = "label" if value.get("label_text") is None else "label_text"
    label = value.get(key)
    found = "an empty text" if isinstance(label, str) else kind_of(label)
    return place.found(
        "classification.bad_label",
        f'"{key}" is {found if key in value else "missing"}; expected a text or a whole number',
        "Write the name of the class.",
    )
