"""Questions about a passage, as SQuAD writes them: `context`, `question` and `answers`.

A question without an answer is learned as the word that the system prompt tells the model to say.
That prompt is the same for every file, so that training and test rows agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.formats.fields import TextFields
from tunery.data.formats.pair import turns_of_pair
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.unused import unused_keys
from tunery.data.wording import kind_of

UNANSWERABLE = "unanswerable"
SYSTEM = (
    "Answer the question from the passage, in the words of the passage and as briefly as "
    f"possible. If the passage does not hold the answer, reply: {UNANSWERABLE}"
)
_KEYS = ("context", "question", "answers", "answer", "is_impossible", "system")


def read_row(value: dict[str, object], place: Place) -> Row:
    """One question.

    Args:
        value: The object.
        place: Where it stands.
    """
    fields = TextFields(value, place, "qa", _KEYS)
    context, question = (
        fields.filled("context", "empty_question"),
        fields.filled("question", "empty_question"),
    )
    system = fields.optional("system")
    findings = list(fields.findings)
    once: list[Finding] = []
    answer = _answer(value, place, findings, once)
    if "context" in value and "question" in value:
        used = [key for key in _KEYS if key != "answer" or value.get("answers") is None]
        once += unused_keys(value, used, place, "qa", "question-answer")
    prompt = f"Passage: {context}\n\nQuestion: {question}"
    messages = turns_of_pair(prompt, answer, system if system.strip() else SYSTEM)
    return row_of(place, Conversation(messages, place.file, place.line), findings, once)


def _answer(
    value: dict[str, object], place: Place, findings: list[Finding], once: list[Finding]
) -> str:
    """The first answer, or the word for none."""
    key = "answer" if value.get("answers") is None and "answer" in value else "answers"
    if value.get("is_impossible") is True:
        return UNANSWERABLE
    answers = value.get(key)
    texts = answers.get("text") if isinstance(answers, dict) else answers
    if isinstance(texts, str):
        texts = [texts]
    if key not in value or not isinstance(texts, list):
        found = f'"{key}" is {kind_of(answers)}' if key in value else "the row has no answers"
        findings.append(_bad_answers(found, place))
        return ""
    found_texts = [text.get("text") if isinstance(text, dict) else text for text in texts]
    if odd := [text for text in found_texts if not isinstance(text, str)]:
        findings.append(_bad_answers(f'"{key}" holds {kind_of(odd[0])}', place))
        return ""
    different = list(dict.fromkeys(str(text) for text in found_texts if str(text).strip()))
    if len(different) > 1:
        once.append(
            place.found(
                "qa.more_answers",
                "the row has several different answers; the first is learned, the others are not",
                "Nothing to do, or put the best answer first.",
            )
        )
    return different[0] if different else UNANSWERABLE


def _bad_answers(found: str, place: Place) -> Finding:
    return place.found(
        "qa.bad_answers",
        f"{found}; expected a text, a list of texts, or SQuAD's object with a list under text",
        'Write "answers": ["…"], or an empty list if the passage holds no answer.',
    )


def is_nested(value: dict[str, object]) -> bool:
    """Whether the object is a whole SQuAD file, or one article of it."""
    articles = value.get("data", [value])
    first = articles[0] if isinstance(articles, list) and articles else None
    return isinstance(first, dict) and isinstance(first.get("paragraphs"), list)


def unfold(value: dict[str, object], place: Place) -> Iterator[dict[str, object] | Finding]:
    """The questions of a SQuAD file or article as rows; any other object is its own row.

    Args:
        value: The object.
        place: Where it stands.
    """
    if "data" not in value and "paragraphs" not in value:
        yield value
        return
    for article in _entries(value, "data", place) if "data" in value else (value,):
        if isinstance(article, Finding):
            yield article
            continue
        for paragraph in _entries(article, "paragraphs", place):
            yield from _questions(paragraph, place)


def _questions(
    paragraph: dict[str, object] | Finding, place: Place
) -> Iterator[dict[str, object] | Finding]:
    if isinstance(paragraph, Finding):
        yield paragraph
        return
    shared = {key: held for key, held in paragraph.items() if key != "qas"}
    for question in _entries(paragraph, "qas", place):
        yield question if isinstance(question, Finding) else {**shared, **question}


def _entries(
    holder: dict[str, object], key: str, place: Place
) -> Iterator[dict[str, object] | Finding]:
    entries = holder.get(key)
    if not isinstance(entries, list):
        found = f'"{key}" is {kind_of(entries) if key in holder else "missing"}'
        yield _bad_nesting(f"{found}; expected a list", place)
        return
    for entry in entries:
        if isinstance(entry, dict):
            yield entry
        else:
            yield _bad_nesting(f'"{key}" holds {kind_of(entry)}; expected objects', place)


def _bad_nesting(found: str, place: Place) -> Finding:
    return place.found(
        "qa.bad_nesting",
        found,
        "Write SQuAD's nesting: data, paragraphs, qas; or one question a row.",
    )
