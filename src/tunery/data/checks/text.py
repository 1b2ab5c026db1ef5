"""What is wrong with the texts of one row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from tunery.data.checks.control_tokens import CONTROL_TOKEN
from tunery.data.checks.texts import (
    answer_of,
    last_user_text,
    learned_turns,
    turns_of,
    whole_text,
)
from tunery.data.findings import Finding, Place
from tunery.data.records import Record
from tunery.data.wording import listed, quote

_PLACEHOLDER = re.compile(
    r"\{\{\s*[A-Za-z_][\w.]{0,40}\s*\}\}"
    r"|<(?:INSERT|YOUR|ADD|ENTER) [A-Z][A-Z _]{0,40}>"
    r"|\[(?:INSERT|YOUR|ADD|ENTER|Insert|Your|Enter) [A-Za-z][A-Za-z _]{0,40}\]"
)
_ONLY_A_NOTE = frozenset({"todo", "tbd", "fixme", "xxx", "???", "to be done"})

# Joiners and direction marks (U+200C to U+200F) are left out: emoji and several scripts need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xa0\xad\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")
_CONTROL_BYTES = bytes(i for i in range(32) if i not in b"\t\n\r") + b"\x7f"
_TO_MARK = bytes(1 if i in _CONTROL_BYTES else 46 for i in range(256))

# UTF-8's later bytes as Windows-1252 or Latin-1 shows them. One such pair or triple tells only
# after the letters that Western accents, quotes and dashes begin with: others stand before a
# closing quote in plain German (sharp s) or French (a grave).
_LATER = "[\x80-\xbf" + bytes(range(0x80, 0xA0)).decode("cp1252", "ignore") + "]"
_MOJIBAKE = re.compile(
    f"[\xc2\xc3]{_LATER}|[\xe2\xef]{_LATER}{{2}}|\xf0{_LATER}{{3}}|\ufffd"
    f"|(?:[\xc4-\xdf]{_LATER}){{2}}|(?:[\xe0-\xef]{_LATER}{{2}}){{2}}"
)

_SAME_AT_LEAST = 20  # characters: a shorter answer may end a prompt by chance
_OPTION = re.compile(r"(?:[-*•>]|\(?\w{1,2}[.):])\s*")
_REPEATED_FROM = 200  # characters of an answer
_TAIL = 24
_REPEATED_SHARE = 0.6
_REPEATED_TIMES = 5


def check_characters(record: Record, place: Place) -> Iterable[Finding]:
    """Half characters, invisible ones, and texts decoded with the wrong encoding."""
    text, data = whole_text(record)
    # A table look-up and a search for one byte are five times as fast as a pattern.
    odd = b"\x01" in data.translate(_TO_MARK)
    if text.isascii():
        return _invisible(text, place) if odd else ()
    # What is looked for beyond ASCII stands in these runs, which are short in most texts.
    beyond = " ".join(_BEYOND_ASCII.findall(text))
    return [
        *_halves(record, place),
        *_invisible(text if odd else beyond, place),
        *_mojibake(beyond, place),
    ]


def _halves(record: Record, place: Place) -> Iterator[Finding]:
    r"""JSON can write half an emoji as "\ud83d", which no tokenizer can encode."""
    for turn in turns_of(record):
        if not turn.content.isascii() and (half := _half(turn.content)):
            yield place.found(
                "text.half_character",
                f"the {turn.role} turn holds half a character, \\u{ord(half):04x}",
                "The text was cut inside an emoji or other rare character; repair or remove it.",
            )


def _half(text: str) -> str:
    """The first lone surrogate; empty if there is none."""
    try:
        text.encode("utf-8")  # thirty times as fast as a pattern
    except UnicodeEncodeError as error:
        return text[error.start]
    return ""


def _invisible(text: str, place: Place) -> Iterator[Finding]:
    for char in dict.fromkeys(_INVISIBLE.findall(text)):
        name = unicodedata.name(char, "control character").lower()
        yield place.found(
            "text.invisible",
            f"a text holds a character that cannot be seen: U+{ord(char):04X} ({name})",
            "Replace it by a space or remove it; the model learns to write it.",
        )


def _mojibake(text: str, place: Place) -> Iterator[Finding]:
    for match in _MOJIBAKE.finditer(text):
        seen = match[0]
        if seen == "\ufffd":
            what = "the replacement character U+FFFD, where a character was lost"
        elif (meant := _decoded_again(seen)) is not None:
            what = f"{quote(seen)}, which is {quote(meant)} decoded with the wrong encoding"
        else:
            continue
        yield place.found(
            "text.mojibake",
            f"a text holds {what}",
            "Read the source again with its right encoding, mostly UTF-8.",
        )
        return


def _decoded_again(seen: str) -> str | None:
    """What was meant, None if the characters are what they seem."""
    try:
        data = b"".join(
            char.encode("latin-1") if "\x80" <= char <= "\x9f" else char.encode("cp1252")
            for char in seen
        )
        meant = data.decode("utf-8")
    except UnicodeError:
        return None
    return meant if meant.isprintable() or meant == "\xa0" else None


def check_control_tokens(record: Record, place: Place) -> Iterable[Finding]:
    """Texts that are control tokens of some family."""
    text, _ = whole_text(record)
    if "<" not in text and "[" not in text:
        return ()
    tokens = list(dict.fromkeys(match[0] for match in CONTROL_TOKEN.finditer(text)))
    if not tokens:
        return ()
    return (
        place.found(
            "text.control_token",
            f"a text holds {listed(tokens)}, a control token of a model family; it is trained as "
            "ordinary text",
            "Remove it if it came from a chat template that was applied already; Tunery applies "
            "the model's own.",
        ),
    )


def check_placeholders(record: Record, place: Place) -> Iterable[Finding]:
    """Places in answers that were never filled in."""
    names: dict[str, None] = {}
    for turn in learned_turns(record):
        text = turn.content
        # Single characters first: each is found or missed in a thirtieth of the pattern's time.
        if "{" in text or "<" in text or "[" in text:
            names |= dict.fromkeys(match[0] for match in _PLACEHOLDER.finditer(text))
        if text[:11].lower() == "lorem ipsum":
            names[text[:11]] = None
        if len(text) < 20 and text.strip(" .:").lower() in _ONLY_A_NOTE:
            names[text.strip()] = None
    return [
        place.found(
            "text.placeholder",
            f"an answer holds the placeholder {quote(name)}; the model will learn to write it",
            "Fill it in, if it was meant to be filled in.",
        )
        for name in names
    ]


def check_answer(record: Record, place: Place) -> Iterable[Finding]:
    """Answers that the prompt already ends with, and answers that turn in circles."""
    answer = answer_of(record)
    if len(answer) < _SAME_AT_LEAST:
        return ()
    findings: list[Finding] = []
    prompt = last_user_text(record)
    if answer[-1].isspace() or prompt.rstrip().endswith(answer[-_SAME_AT_LEAST:]):
        findings += _in_prompt(prompt, answer, place)
    if len(answer) >= _REPEATED_FROM:
        findings += _repetitive(answer, place)
    return findings


def _in_prompt(prompt: str, answer: str, place: Place) -> Iterator[Finding]:
    """Looks at the end alone.

    A label or a quoted span stands in many prompts, and the last of several options may end one.
    """
    prompt, answer = prompt.strip(), answer.strip()
    if len(answer) < _SAME_AT_LEAST or not prompt.endswith(answer):
        return
    before = prompt[: -len(answer)]
    if not before:
        yield place.found(
            "text.answer_is_prompt",
            "the answer is the same text as the prompt",
            "Write the answer that is wanted, or remove the row.",
        )
    elif not _OPTION.fullmatch(before[before.rfind("\n") + 1 :].strip()[-8:]):
        yield place.found(
            "text.answer_in_prompt",
            f"the prompt ends with the whole answer ({len(answer)} characters)",
            "Take the answer out of the prompt; the model would only learn to copy it.",
        )


def _repetitive(answer: str, place: Place) -> Iterator[Finding]:
    end = answer.rstrip()
    tail = end[-_TAIL:]
    earlier = end.rfind(tail, 0, len(end) - 1)
    if earlier < 0:
        return
    period = len(end) - _TAIL - earlier
    unit = end[-period:]
    times = end.count(unit)
    if times >= _REPEATED_TIMES and times * period >= _REPEATED_SHARE * len(end):
        yield place.found(
            "text.repetitive",
            f"an answer of {len(answer):,} characters says {quote(unit.strip() or unit)} {times} "
            "times",
            "Remove the row, unless the model is to repeat itself.",
        )
