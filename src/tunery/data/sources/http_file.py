"""A file at an https:// address, read as it comes, and from any place for what must seek.

A connection that breaks off is taken up again where it was; a file that is another one by then is
refused. Only requests that read are made, and none is sent to an address that is not encrypted,
except on this machine.
"""

from __future__ import annotations

import http.client
import io
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.error import HTTPError, URLError

from tunery.data.sources.limits import BLOCK_BYTES
from tunery.data.sources.local_file import OpenBytes, changed
from tunery.data.sources.location import scheme_of, shown
from tunery.data.wording import quote
from tunery.errors import DataError, FetchError, NotFoundError

if TYPE_CHECKING:
    from email.message import Message

    from _typeshed import WriteableBuffer

ANSWER_SECONDS = 30.0
"""How long a server may be silent."""

_ATTEMPTS = 4
_PART = 206


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows only to where the user could have pointed."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        try:
            scheme = scheme_of(newurl)
        except DataError:
            fp.close()
            raise
        if scheme not in ("https", "http"):
            fp.close()
            raise DataError(
                f"{shown(req.full_url)} leads to {shown(newurl)}; expected https://.",
                "Give the address of the file itself.",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _HttpFile(io.RawIOBase):
    """The bytes behind an address."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open = urllib.request.build_opener(_SafeRedirects).open
        self._at = 0
        self._answer: http.client.HTTPResponse | None = None
        self._mark = ""  # what tells this version of the file from another
        self.size: int | None = None
        self._request()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.size is not None

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self.size is None:
            raise io.UnsupportedOperation("the server does not say how long the file is")
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        target = max(0, start + offset)
        if target != self._at:
            self._drop()
            self._at = target
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        if self.size is not None and self._at >= self.size:
            return 0
        for attempt in range(_ATTEMPTS):
            try:
                if self._answer is None:
                    self._request()
                assert self._answer is not None
                given = self._answer.readinto(view)
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                if attempt == _ATTEMPTS - 1:
                    raise _unreachable(self._url, error) from None
                continue
            if given or self.size is None or self._at >= self.size:
                self._at += given
                return given
            self._drop()  # the connection ended before the file did
        raise _unreachable(self._url, None)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def _request(self) -> None:
        headers = {"Accept-Encoding": "identity", "User-Agent": "tunery"}
        if self._at:
            headers["Range"] = f"bytes={self._at}-"
        request = urllib.request.Request(self._url, headers=headers)
        try:
            answer = self._open(request, timeout=ANSWER_SECONDS)
        except HTTPError as error:
            error.close()
            raise _refused(self._url, error.code) from None
        except (URLError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise _unreachable(self._url, error) from None
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        if self._mark and mark != self._mark:
            answer.close()
            raise changed(shown(self._url))
        self._mark = mark
        if self._at and answer.status != _PART:
            answer.close()
            raise DataError(
                f"The server of {shown(self._url)} gives the file only from its start on.",
                "Download the file and give its path.",
            )
        if not self._at:
            self.size = _length(answer.headers)
        self._answer = answer


def _length(headers: Message) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _refused(url: str, status: int) -> Exception:
    if status in (404, 410):
        return NotFoundError(f"There is no file at {shown(url)}.", "Check the address.")
    if status in (401, 403):
        return DataError(
            f"The server refuses {shown(url)} (status {status}).",
            "Give an address that may be read, such as a signed one that has not expired.",
        )
    return FetchError(f"The server answered {shown(url)} with status {status}.", "Try again later.")


def _unreachable(url: str, error: Exception | None) -> FetchError:
    reason = getattr(error, "reason", None) or error or "the connection ends early"
    if isinstance(reason, OSError):
        reason = reason.strerror or type(reason).__name__
    detail = type(error).__name__ if isinstance(reason, Exception) else quote(str(reason))
    return FetchError(f"{shown(url)} cannot be read: {detail}.", "Check the network and try again.")


@contextmanager
def open_http(url: str) -> Iterator[OpenBytes]:
    """The file at an address.

    Raises:
        NotFoundError: The server has no such file.
        DataError: It refuses it.
        FetchError: It cannot be reached.
    """
    if "@" in url.partition("?")[0].partition("://")[2].partition("/")[0]:
        raise DataError(
            f"{shown(url)} holds a name or a password; expected an address without.",
            "Give a signed address, or download the file and give its path.",
        )
    raw = _HttpFile(url)
    with io.BufferedReader(raw, BLOCK_BYTES // 4) as stream:
        yield OpenBytes(cast("BinaryIO", stream), raw.size)
