from pathlib import Path

import pytest

from tunery.data.sources.location import as_location, file_name, scheme_of, shown
from tunery.errors import DataError


@pytest.mark.parametrize(
    ("given", "scheme"),
    [
        ("train.jsonl", ""),
        ("./a:b.jsonl", ""),
        ("C:\\data\\train.jsonl", ""),
        ("https://example.org/a.jsonl", "https"),
        ("HTTPS://example.org/a.jsonl", "https"),
        ("s3://bucket/a.jsonl", "s3"),
        ("hub:owner/name", "hub"),
        ("http://localhost:80/a", "http"),
        ("http://127.0.0.1/a", "http"),
        ("http://[::1]:80/a", "http"),
    ],
)
def test_kinds_of_location(given: str, scheme: str) -> None:
    assert scheme_of(given) == scheme
    assert as_location(given) == (given if scheme else Path(given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("ftp://example.org/a", 'of the kind "ftp"'),
        ("file:///etc/passwd", 'of the kind "file"'),
        ("http://example.org/a", "not encrypted"),
        ("http://localhost.example.org/a", "not encrypted"),
        ("http://[::1/a", "not encrypted"),
    ],
)
def test_refuses_other_addresses(given: str, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        scheme_of(given)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("https://a.org/b.jsonl", "https://a.org/b.jsonl"),
        ("https://a.org/b.jsonl?sig=secret&x=1", "https://a.org/b.jsonl?***"),
        ("https://a.org/b.jsonl#secret", "https://a.org/b.jsonl#***"),
        ("https://ada:secret@a.org/b.jsonl?k", "https://***@a.org/b.jsonl?***"),
        ("s3://key:sec@ret@bucket/b", "s3://***@bucket/b"),
        ("https://a.org?sig=secret/x", "https://a.org?***"),
        ("hub:owner/name@main/train", "hub:owner/name@main/train"),
        ("what?.jsonl", "what?.jsonl"),
    ],
)
def test_what_is_secret_is_not_shown(given: str, seen: str) -> None:
    assert shown(given) == seen
    assert shown(Path("a?b")) == "a?b"


def test_the_name_of_the_file_tells_its_ending() -> None:
    assert file_name("https://a.org/x/B.JSONL.gz?name=c.csv") == "b.jsonl.gz"
    assert file_name(Path("x/A.csv")) == "a.csv"
    assert file_name("s3://bucket/a.parquet") == "a.parquet"
