"""Whether a passage says what an answer says, as far as words can tell."""

from __future__ import annotations

import re
import unicodedata

from tunery.data.generate.candidate import Problem
from tunery.data.wording import listed, quote

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
# Scripts without spaces: Thai, Lao, Khmer, Japanese, Chinese. Each letter counts as a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-"})  # noqa: RUF001


def unsupported(answer: str, proof: str, passage: str, share: float) -> Problem | None:
    """Why an answer is not taken from a passage; None if it is.

    The proof must stand in the passage letter by letter, but for case, spaces and the form of
    quotes; so must every number of the answer, and a share of its words. This finds answers from
    elsewhere, not wrong conclusions from the right words.

    Args:
        answer: The answer.
        proof: The words of the passage that prove it, as the teacher says.
        passage: The passage.
        share: Part of the answer's words, 0 to 1, that must stand in the passage.
    """
    said = folded(passage)
    if folded(proof) not in said:
        message = f"the quote {quote(proof)} is not in the passage"
        return Problem("row.unsupported", message)
    known_numbers = set(_NUMBER.findall(said))
    numbers = [n for n in _NUMBER.findall(folded(answer)) if n not in known_numbers]
    if numbers:
        message = f"the passage has not the numbers {listed(numbers)} of the answer"
        return Problem("row.unsupported", message)
    known, words = set(words_of(passage)), set(words_of(answer))
    missing = sorted(words - known)
    if words and 1 - len(missing) / len(words) < share:
        message = (
            f"{len(missing)} of the answer's {len(words)} words are not in the passage, such as "
            f"{listed(missing[:5])}; expected at least {share:.0%} in it"
        )
        return Problem("row.unsupported", message)
    return None


def folded(text: str) -> str:
    """The text without differences of case, spaces, width and form of quotes."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_MARKS).casefold().split())


def words_of(text: str) -> list[str]:
    """The words of a text, folded; letters where the script has no spaces."""
    words: list[str] = []
    for word in _WORD.findall(folded(text)):
        words += word if _UNSPACED.search(word) else [word]
    return words
