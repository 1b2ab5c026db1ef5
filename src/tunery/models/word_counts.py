"""Token counts of texts from token counts of words: what most tokenizers do, without the tokens.

Byte-level tokenizers (GPT-2's family, Llama 3's, Qwen's) first cut a text into words by a pattern
and then look at each word by itself. So a text has as many tokens as its words have together, and
words repeat. The pattern is applied here by Python's `re`, for ASCII texts only: there the
pattern's classes of characters are known exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunery.models.control_borders import ControlBorders

REMEMBERED_WORDS = 500_000
"""Most words whose counts are kept, some 150 bytes each."""

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""The pattern of a byte-level pre-tokenizer that has no other (Radford et al. 2019)."""

# Before the pattern is applied, these tokenizers cut out digits, so no word crosses their border.
_DIGITS = {
    True: r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+",
    False: r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+",
}

# What stands for what in ASCII, inside a class and outside.
_ASCII = {r"\p{L}": "A-Za-z", r"\p{N}": "0-9", r"\s": r"\t-\r "}
_PART = re.compile(r"\\p\{[LN]\}|\\[sSrn]|[\[\]]|[^\\]")

# A word that is followed by white space or nothing is the same word alone.
_LOOKAHEADS = (r"(?!\S)", r"(?![^\s\p{N}])")

# Possessive repetition, ranges and operations in classes, other looks around, and anchors.
_OTHERS = re.compile(r"[+*?]\+|[0-9]\}\+|&&|\[[^\]]*(?:\[|[A-Za-z0-9]-)|\(\?[<#x=!]|(?<!\[)\^|\$")

_TRIED = (
    "It's  12 cats.\n\n  Don't\t\tpanic!!\r\n",
    " a  b 1  2\x1c\x1f x\n \n y 'S 'Ll we'RE x'd 3.14 (a)b{c}[d]\n",
    "HelloWorld 123456789 -- == ...\n\t\n  \x0b\x0c end ",
)


class WordCounts:
    """Counts the tokens of ASCII texts.

    Args:
        tokenizer: A tokenizer of the tokenizers library.
        pattern: Its words in ASCII text.
        borders: Its added tokens; a text that holds one is not counted here.
        remembered: Most words whose counts are kept.
    """

    def __init__(
        self,
        tokenizer: Any,
        pattern: re.Pattern[str],
        borders: ControlBorders,
        remembered: int = REMEMBERED_WORDS,
    ) -> None:
        self._remembered = remembered
        self._tokenizer = tokenizer
        self._words = pattern.findall
        self._borders = borders
        self._known: dict[str, int] = {}

    def counts(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Tokens of each text; -1 for a text that is not counted here."""
        found = np.full(len(texts), -1, dtype=np.int32)
        get = self._known.get
        waiting: list[tuple[int, list[str]]] = []
        for index, text in enumerate(texts):
            if not text.isascii() or self._borders.has_token(text):
                continue
            words = self._words(text)
            try:
                found[index] = sum(map(get, words))  # type: ignore[arg-type]
            except TypeError:  # one of them is not known
                waiting.append((index, words))
        self._learn({word for _, words in waiting for word in words if word not in self._known})
        for index, words in waiting:
            found[index] = sum(map(self._known.__getitem__, words))
        if len(self._known) > self._remembered:
            self._known.clear()
        return found

    def _learn(self, words: set[str]) -> None:
        fresh = list(words)
        encoded = self._tokenizer.encode_batch_fast(fresh, add_special_tokens=False)
        self._known.update(zip(fresh, map(len, encoded), strict=True))


def word_counts(tokenizer: Any, borders: ControlBorders) -> WordCounts | None:
    """Counts by words, if the tokenizer is one of those that are known to work so.

    Args:
        tokenizer: A tokenizer of the tokenizers library.
        borders: Its added tokens.
    """
    parts = json.loads(tokenizer.to_str())
    model, normalizer = parts["model"], parts["normalizer"]
    plain = normalizer is None or normalizer.get("type") in ("NFC", "NFKC")  # ASCII stays as it is
    if not plain or model.get("type") != "BPE" or model.get("dropout"):
        return None
    pattern = pattern_of(parts["pre_tokenizer"])
    words = None if pattern is None else in_ascii(pattern)
    if words is None:
        return None
    counted = WordCounts(tokenizer, words, borders)
    for text in _TRIED:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        if "".join(words.findall(text)) != text or counted.counts([text])[0] not in (-1, len(ids)):
            return None
    return counted


def pattern_of(pre_tokenizer: dict[str, Any] | None) -> str | None:
    """The pattern of a tokenizer's words; None if it has another way."""
    steps = [] if pre_tokenizer is None else pre_tokenizer.get("pretokenizers", [pre_tokenizer])
    kinds = [step.get("type") for step in steps]
    if not kinds or kinds[-1] != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return None
    by_pattern = steps[-1].get("use_regex", True)
    if kinds == ["ByteLevel"] and by_pattern:
        return GPT2
    if kinds == ["Digits", "ByteLevel"] and by_pattern:
        return _DIGITS[bool(steps[0].get("individual_digits"))]
    if kinds == ["Split", "ByteLevel"] and not by_pattern:
        split = steps[0]
        if split.get("behavior") == "Isolated" and not split.get("invert"):
            pattern: str | None = split.get("pattern", {}).get("Regex")
            return pattern
    return None


def in_ascii(pattern: str) -> re.Pattern[str] | None:
    r"""A pattern with its classes written out for ASCII text; None if it has others.

    Only what the patterns of known tokenizers use is read: classes without ranges, `\p{L}`,
    `\p{N}`, `\s`, `\S`, groups and simple repetition.
    """
    if not _only(pattern):
        return None
    written: list[str] = []
    inside = False
    for part in _PART.findall(pattern):
        if part in _ASCII:
            written.append(_ASCII[part] if inside else f"[{_ASCII[part]}]")
        elif part == r"\S":
            if inside:
                return None
            written.append(f"[^{_ASCII[chr(92) + 's']}]")
        else:
            inside = part == "[" or (inside and part != "]")
            written.append(part)
    try:
        return re.compile("".join(written))
    except re.error:
        return None


def _only(pattern: str) -> bool:
    """Whether the pattern is made of the parts that are read, and looks at nothing but its word."""
    for known in _LOOKAHEADS:
        pattern = pattern.replace(known, "")
    return "".join(_PART.findall(pattern)) == pattern and not _OTHERS.search(pattern)
