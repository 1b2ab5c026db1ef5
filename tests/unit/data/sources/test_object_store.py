import io
from collections.abc import Callable
from typing import Any

import pytest

from tunery.data.sources.object_store import open_s3
from tunery.errors import DataError, FetchError, NotFoundError

URL = "s3://bucket/rows.jsonl"


class Store:
    """As much of a file system of fsspec as is used."""

    def __init__(self, content: bytes = b"text", error: Exception | None = None) -> None:
        self.content = content
        self.error = error
        self.mark = "v1"

    def __call__(self, protocol: str, **_: Any) -> "Store":
        assert protocol == "s3"
        return self

    def info(self, url: str) -> dict[str, Any]:
        assert url == URL
        return {"size": len(self.content), "ETag": self.mark}

    def open(self, url: str, mode: str, block_size: int) -> io.BytesIO:
        if self.error:
            raise self.error
        return io.BytesIO(self.content)


def test_reads_and_seeks() -> None:
    with open_s3(URL, Store(b"some text")) as opened:
        assert opened.size_bytes == 9
        assert opened.stream.read(4) == b"some"
        assert opened.stream.seek(-4, io.SEEK_END) == 5
        assert opened.stream.read() == b"text"
        opened.check_unchanged()


def test_an_object_that_changed_is_told() -> None:
    store = Store()
    with open_s3(URL, store) as opened:
        store.mark = "v2"
        with pytest.raises(DataError, match="changed while it was read"):
            opened.check_unchanged()


class NoCredentialsError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "expected", "told"),
    [
        (FileNotFoundError("x"), NotFoundError, "no object"),
        (PermissionError("x"), DataError, "may not be read"),
        (NoCredentialsError("key AKIA"), DataError, "credentials"),
        (RuntimeError("key AKIA"), FetchError, "RuntimeError"),
    ],
)
def test_errors_of_the_store_are_told_without_their_text(
    error: Exception, expected: Any, told: str
) -> None:
    with pytest.raises(expected, match=told) as caught, open_s3(URL, Store(error=error)):
        pass
    assert "AKIA" not in str(caught.value)


def test_an_error_while_reading_is_told() -> None:
    class Breaking(Store):
        def open(self, url: str, mode: str, block_size: int) -> Any:
            class Stream(io.BytesIO):
                def read(self, size: int | None = -1) -> bytes:
                    raise RuntimeError("key AKIA")

            return Stream()

    with open_s3(URL, Breaking()) as opened, pytest.raises(FetchError) as caught:
        opened.stream.read(4)
    assert "AKIA" not in str(caught.value)


def without_s3fs(*_: Any, **__: Any) -> Any:
    raise ImportError("Install s3fs to access S3")


@pytest.mark.parametrize(
    ("url", "filesystem", "told", "hint"),
    [
        ("s3://key:secret@bucket/a", Store(), "holds credentials", "environment"),
        (URL, without_s3fs, "s3fs is not installed", "pip install s3fs"),
    ],
)
def test_what_keeps_it_from_starting(
    url: str, filesystem: Callable[..., Any], told: str, hint: str
) -> None:
    with pytest.raises(DataError, match=told) as caught, open_s3(url, filesystem):
        pass
    assert hint in caught.value.hint
    assert "secret" not in str(caught.value)
