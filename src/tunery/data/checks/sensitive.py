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
from typing import Literal

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
# Whatever numbers are looked for stands in one of these, so most of a text is passed at once.
_NUMBER = re.compile(r"[+(]?\d[\d ().-]{4,200}\d")
_IBAN_START = re.compile(r"[A-Z]{2}\d{2}")
_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")

# A quick look at bytes comes first: runs of what keys, and of what numbers are written with.
_KEY_CHARACTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_NUMBER_CHARACTERS = b"0123456789 .-()"
_TO_KEY = bytes(97 if i in _KEY_CHARACTERS else 46 for i in range(256))
_TO_NUMBER = bytes(48 if i in _NUMBER_CHARACTERS else 46 for i in range(256))
_KEY_RUN = b"a" * 16
_NUMBER_RUN = re.compile(b"0{7,}")
_FEWEST_DIGITS = 4  # in one run, as in 1.2.3.4


def may_hold(data: bytes) -> bool:
    """Whether a closer look is needed; False only if `spans` would find nothing.

    Args:
        data: The text in UTF-8.
    """
    if b"@" in data or _KEY_RUN in data.translate(_TO_KEY):
        return True
    marks = data.translate(_TO_NUMBER)
    # A search for fixed bytes is five times as fast as one for a pattern.
    for run in _NUMBER_RUN.finditer(marks) if b"0000000" in marks else ():
        if len(data[run.start() : run.end()].translate(None, b" .-()")) >= _FEWEST_DIGITS:
            return True
    return b"PRIVATE KEY" in data if b"-----" in data else False


def spans(text: str) -> list[Span]:
    """What is sensitive in a text, in its order, without overlaps: the first found wins."""
    taken: list[Span] = []
    for span in (*_secrets(text), *_personal(text)):
        if all(span.end <= other.start or span.start >= other.end for other in taken):
            taken.append(span)
    return sorted(taken, key=lambda span: span.start)


def _secrets(text: str) -> Iterator[Span]:
    if "-----" in text:
        for match in _PRIVATE_KEY.finditer(text):
            yield Span(*match.span(), "a private key", "PRIVATE_KEY", "secret")
    for match in _KEY.finditer(text) if _has_long_word(text) else ():
        kind = _KEY_KINDS[(match.lastindex or 1) - 1]
        yield Span(*match.span(), kind, "SECRET", "secret")
    if "@" in text:
        for match in _CONNECTION.finditer(text):
            yield Span(*match.span(1), "a password in an address", "PASSWORD", "secret")


def _personal(text: str) -> Iterator[Span]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if not _NO_ONES_MAIL.search(match[0].lower()):
                yield Span(*match.span(), "an e-mail address", "EMAIL", "personal")
    stretches = [match.span() for match in _NUMBER.finditer(text)]
    for pattern, right, kind, mask in _NUMBERS:
        for start, end in stretches:
            # One character more, which the pattern may want to be no digit.
            for match in pattern.finditer(text, start, end + 1):
                if right(match[0]):
                    yield Span(*match.span(), kind, mask, "personal")
    if stretches and _IBAN_START.search(text):
        for match in _IBAN.finditer(text):
            if iban.is_valid(match[0]):
                yield Span(*match.span(), "an IBAN", "IBAN", "personal")


def _has_long_word(text: str) -> bool:
    return _KEY_RUN in text.encode("utf-8", "replace").translate(_TO_KEY)


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


_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], bool], str, str], ...] = (
    (_CARD, _is_card, "a card number", "CARD"),
    (_SSN, ssn.is_valid, "a social security number", "SSN"),
    (_PHONE, _is_phone, "a phone number", "PHONE"),
    (_IP, _is_address, "an IP address", "IP"),
)
