"""Where a text holds a secret or personal data: rules that need no network and no model.

Every pattern is linear: it starts only where a token starts, and its repeats are bounded or end
at a character that they do not contain. What has check digits is taken only if they are right
(python-stdnum, phonenumbers), so an order number is seldom taken for a card.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal, NamedTuple

import phonenumbers
from stdnum import iban, luhn
from stdnum.us import ssn

Group = Literal["secret", "personal"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text.

    Attributes:
        start: Its first character.
        end: The character after its last.
        kind: What it looks like, as in "an e-mail address".
        mask: Name in a placeholder, as in "EMAIL".
        group: Whether it opens something or tells of someone.
    """

    start: int
    end: int
    kind: str
    mask: str
    group: Group


_START = r"(?<![A-Za-z0-9_-])"
# Prefixes as the vendors document them.
_KEYS = {
    "a key of Anthropic": r"sk-ant-[\w-]{20,}",
    "a key of OpenAI": r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}",
    "a key of AWS": r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "a token of GitHub": r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})",
    "a token of GitLab": r"glpat-[\w-]{20,}",
    "a token of Slack": r"xox[abeprs]-[A-Za-z0-9-]{16,}",
    "a key of Stripe": r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}",
    "a key of Google": r"AIza[\w-]{35}",
    "a token of Hugging Face": r"hf_[A-Za-z0-9]{30,}",
    "a key of SendGrid": r"SG\.[\w-]{16,64}\.[\w-]{16,}",
    "a token of npm": r"npm_[A-Za-z0-9]{36}",
    "a token of PyPI": r"pypi-[\w-]{50,}",
    "a JSON web token": r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
}
_KEY = re.compile(_START + "(?:" + "|".join(f"({p})" for p in _KEYS.values()) + ")", re.ASCII)
_KEY_KINDS = tuple(_KEYS)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
_CONNECTION = re.compile(r"://[^\s:/@]{1,100}:([^\s@/]{1,200})@")
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"
)
# Set aside for examples by RFC 2606.
_NO_ONES_MAIL = re.compile(r"(?:@|\.)(?:example\.(?:com|org|net)|\w*\.?(?:example|test|invalid))$")

_CARD = re.compile(
    r"(?<![\d.-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|\d{4}([ -]?)\d{6}\2\d{5})(?![\d-])"
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
_PHONE = re.compile(
    r"(?<![\w+])\+\d[\d ().-]{6,18}\d(?!\d)"
    r"|(?<![\w.-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"
)
_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")

# Where to look is found in bytes, in runs of what keys and numbers are written with: a search
# for fixed bytes is thirty times as fast as one for these patterns.
_KEY_CHARACTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_NUMBER_CHARACTERS = b"0123456789 .-()"
_TO_KEY = bytes(97 if i in _KEY_CHARACTERS else 46 for i in range(256))
_TO_NUMBER = bytes(97 if i in _NUMBER_CHARACTERS else 46 for i in range(256))
_KEY_RUN = b"a" * 16
_NUMBER_RUN = b"a" * 7  # as in 1.2.3.4
_FEWEST_DIGITS = 9
_KEY_STARTS = tuple(
    b"sk- sk_ rk_ AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_ glpat- xox AIza hf_ npm_ pypi-"
    b" eyJ".split()
)
_IBAN_LETTERS = 40  # characters around a run of digits that may belong to it


def may_hold(text: str) -> bool:
    """Whether a closer look is needed; False only if `spans` would find nothing."""
    data = text.encode("ascii", "replace")
    if b"@" in data or (b"-----" in data and b"PRIVATE KEY" in data):
        return True
    if _KEY_RUN in data.translate(_TO_KEY) and any(_keys(data)):
        return True
    return _NUMBER_RUN in data.translate(_TO_NUMBER) and any(_numbers(data))


def spans(text: str) -> list[Span]:
    """What is sensitive in a text, in its order, without overlaps: the first to start wins."""
    chosen: list[Span] = []
    for span in sorted(_all(text), key=lambda span: span.start):  # stable: the first kind wins
        if not chosen or span.start >= chosen[-1].end:
            chosen.append(span)
    return chosen


def _all(text: str) -> Iterator[Span]:
    data = text.encode("ascii", "replace")  # as long as the text, so places agree
    if b"-----" in data:
        for match in _PRIVATE_KEY.finditer(text):
            yield Span(*match.span(), "a private key", "PRIVATE_KEY", "secret")
    for start, _ in _keys(data):
        if (key := _KEY.match(text, start)) is not None:
            kind = _KEY_KINDS[(key.lastindex or 1) - 1]
            yield Span(*key.span(), kind, "SECRET", "secret")
    if b"@" in data:
        yield from _addresses(text)
    yield from _numbers_of_someone(text, data)


def _addresses(text: str) -> Iterator[Span]:
    for match in _CONNECTION.finditer(text):
        yield Span(*match.span(1), "a password in an address", "PASSWORD", "secret")
    for match in _EMAIL.finditer(text):
        if not _NO_ONES_MAIL.search(match[0].lower()):
            yield Span(*match.span(), "an e-mail address", "EMAIL", "personal")


def _numbers_of_someone(text: str, data: bytes) -> Iterator[Span]:
    last = 0
    for start, end in _numbers(data):
        run = data[start:end]
        digits = _digits(run)
        begin, stop = max(last, start - _IBAN_LETTERS), end + _IBAN_LETTERS
        for rule in _NUMBERS:
            if digits < rule.digits or run.count(rule.mark) < rule.marks:
                continue
            for match in rule.pattern.finditer(text, begin, stop):
                if rule.right(match[0]):
                    yield Span(*match.span(), rule.kind, rule.mask, "personal")
        last = end


def _runs(marks: bytes, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each run of `a` that is at least as long as the wanted one."""
    start = marks.find(wanted)
    while start >= 0:
        end = marks.find(b".", start)
        end = len(marks) if end < 0 else end
        yield start, end
        start = marks.find(wanted, end)


def _keys(data: bytes) -> Iterator[tuple[int, int]]:
    """Where a vendor's key may start and where its run ends."""
    for start, end in _runs(data.translate(_TO_KEY), _KEY_RUN):
        if data.startswith(_KEY_STARTS, start):
            yield start, end
        elif data[max(0, start - 3) : start] == b"SG.":
            yield start - 3, end


def _numbers(data: bytes) -> Iterator[tuple[int, int]]:
    """Where a run with digits enough for a number of someone starts and ends."""
    for start, end in _runs(data.translate(_TO_NUMBER), _NUMBER_RUN):
        run = data[start:end]
        digits = _digits(run)
        if digits >= _FEWEST_DIGITS or (digits >= 4 and run.count(b".") >= 3):
            yield start, end


def _digits(run: bytes) -> int:
    return len(run.translate(None, b" .-()"))


def _is_card(text: str) -> bool:
    # 3 to 6 begin the numbers of American Express, Visa, Mastercard and Discover.
    return text[0] in "3456" and luhn.is_valid(text.replace(" ", "").replace("-", ""))


def _is_phone(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "US"))
    except phonenumbers.NumberParseException:
        return False


def _is_address(text: str) -> bool:
    """Whether it is an address of the open Internet; version numbers mostly are not."""
    try:
        return IPv4Address(text).is_global
    except ValueError:
        return False


class _Rule(NamedTuple):
    """How a number of someone is written.

    Attributes:
        pattern: Its form.
        digits: How many digits it has at least.
        mark: A character that stands in it.
        marks: How often that stands in it at least.
        right: Whether its check digits or its range are right.
        kind: As in `Span`.
        mask: As in `Span`.
    """

    pattern: re.Pattern[str]
    digits: int
    mark: bytes
    marks: int
    right: Callable[[str], bool]
    kind: str
    mask: str


_NUMBERS = (
    _Rule(_CARD, 15, b" ", 0, _is_card, "a card number", "CARD"),
    _Rule(_IBAN, 9, b" ", 0, iban.is_valid, "an IBAN", "IBAN"),
    _Rule(_SSN, 9, b"-", 2, ssn.is_valid, "a social security number", "SSN"),
    _Rule(_PHONE, 9, b" ", 0, _is_phone, "a phone number", "PHONE"),
    _Rule(_IP, 4, b".", 3, _is_address, "an IP address", "IP"),
)
