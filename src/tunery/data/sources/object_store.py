"""An object at an s3:// address, by fsspec and s3fs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import fsspec  # type: ignore[import-untyped]

from tunery.data.sources.limits import BLOCK_BYTES
from tunery.data.sources.local_file import OpenBytes, changed
from tunery.data.sources.location import shown
from tunery.errors import DataError, FetchError, NotFoundError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FileSystem = Callable[..., Any]
"""`fsspec.filesystem`, or what stands in for it."""


@contextmanager
def open_s3(url: str, filesystem: FileSystem = fsspec.filesystem) -> Iterator[OpenBytes]:
    """The object at an address. Credentials are found where AWS's own tools find them.

    Args:
        url: `s3://bucket/key`.
        filesystem: Gives fsspec's file system of a protocol.

    Raises:
        NotFoundError: There is no such object.
        DataError: It may not be read, or s3fs is not installed.
        FetchError: The store cannot be reached.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise DataError(
            f"{shown(url)} holds credentials; expected s3://bucket/key.",
            "Put them into the environment or ~/.aws/credentials.",
        )
    try:
        # Without its cache of listings, which would hide that an object changed.
        store = filesystem("s3", use_listings_cache=False, skip_instance_cache=True)
    except ImportError:
        raise DataError(
            f"{shown(url)} is in an object store, and s3fs is not installed.",
            "Install it: pip install s3fs",
        ) from None
    try:
        before = store.info(url)
        stream = store.open(url, "rb", block_size=4 * BLOCK_BYTES)
    except Exception as error:  # noqa: BLE001 (botocore makes its classes at run time)
        raise _told(url, error) from None
    with io.BufferedReader(_ObjectFile(url, stream), BLOCK_BYTES) as reading:

        def check_unchanged() -> None:
            now = store.info(url)
            if (now["size"], now.get("ETag")) != (before["size"], before.get("ETag")):
                raise changed(shown(url))

        yield OpenBytes(reading, before["size"], check_unchanged)


class _ObjectFile(io.RawIOBase):
    """The store's file, with its errors told in words of the house."""

    def __init__(self, url: str, stream: Any) -> None:
        self._url = url
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._stream.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._stream.seek(offset, whence))

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except Exception as error:  # noqa: BLE001 (as above)
            raise _told(self._url, error) from None
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _told(url: str, error: Exception) -> Exception:
    """The store's errors are many; their texts may name keys, so only their kind is told."""
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"There is no object {shown(url)}.", "Check the bucket and the key.")
    if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
        return DataError(
            f"{shown(url)} may not be read with the credentials that were found.",
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return FetchError(
        f"{shown(url)} cannot be read: {type(error).__name__}.",
        "Check the network, and AWS_ENDPOINT_URL if the store is not Amazon's.",
    )
