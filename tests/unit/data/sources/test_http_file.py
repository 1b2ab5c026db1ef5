import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tunery.data.sources.http_file import open_http
from tunery.errors import DataError, FetchError, NotFoundError, TuneryError

CONTENT = bytes(range(256)) * 8000


@dataclass
class Site:
    """A server on this machine, and how it misbehaves."""

    url: str = ""
    content: bytes = CONTENT
    status: int = 200
    breaks_after: list[int] = field(default_factory=list)  # bytes of each answer, then all
    ranges: bool = True
    length: bool = True
    marks: list[str] = field(default_factory=list)  # of each answer, then the last
    to: str = ""
    asked: list[str] = field(default_factory=list)


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            site.asked.append(wanted)
            if site.to:
                self.send_response(302)
                self.send_header("Location", site.to)
                self.end_headers()
                return
            start = int(wanted[6:-1]) if wanted and site.ranges else 0
            body = site.content[start:]
            self.send_response(site.status if not start else 206)
            if site.length:
                self.send_header("Content-Length", str(len(body)))
            if site.marks:
                self.send_header("ETag", site.marks.pop(0) if site.marks[1:] else site.marks[0])
            self.end_headers()
            if site.breaks_after:
                body = body[: site.breaks_after.pop(0)]
            with suppress(ConnectionError):  # whoever asked has enough
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
    site.url = f"http://127.0.0.1:{server.server_port}/rows.jsonl?token=secret"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read(site: Site) -> bytes:
    with open_http(site.url) as opened:
        return opened.stream.read()


@pytest.mark.parametrize("length", [True, False])
def test_reads_a_file_to_its_end(length: bool) -> None:
    with serving(Site(length=length)) as site:
        assert read(site) == CONTENT
        assert site.asked == [""]


def test_goes_to_any_place() -> None:
    with serving(Site()) as site, open_http(site.url) as opened:
        stream = opened.stream
        assert opened.size_bytes == len(CONTENT)
        stream.seek(-10, io.SEEK_END)
        assert stream.read() == CONTENT[-10:]
        stream.seek(1000)
        assert (stream.read(5), stream.tell()) == (CONTENT[1000:1005], 1005)
        stream.seek(500_000, io.SEEK_CUR)
        assert stream.read(5) == CONTENT[501_005:501_010]
        assert stream.seekable()


def test_goes_on_where_the_connection_broke_off() -> None:
    with serving(Site(breaks_after=[100_000, 0, 300_000], marks=["v1"])) as site:
        assert read(site) == CONTENT
        assert site.asked == ["", "bytes=100000-", "bytes=100000-", "bytes=400000-"]


def test_gives_up_in_the_end() -> None:
    with (
        serving(Site(breaks_after=[100_000] + [0] * 20)) as site,
        pytest.raises(FetchError, match="cannot be read"),
    ):
        read(site)


def test_refuses_a_file_that_became_another() -> None:
    with (
        serving(Site(breaks_after=[100_000], marks=["v1", "v2"])) as site,
        pytest.raises(DataError, match="changed while it was read"),
    ):
        read(site)


def test_a_server_without_ranges_is_told() -> None:
    with serving(Site(breaks_after=[100_000], ranges=False, status=200)) as site:
        site.content = CONTENT
        with open_http(site.url) as opened:
            opened.stream.seek(1_000_000)
            with pytest.raises((DataError, FetchError)):
                opened.stream.read()


def test_without_a_length_nothing_is_sought() -> None:
    with serving(Site(length=False)) as site, open_http(site.url) as opened:
        assert not opened.stream.seekable()
        with pytest.raises(io.UnsupportedOperation):
            opened.stream.raw.seek(5)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (404, NotFoundError, "no file at"),
        (403, DataError, "refuses"),
        (500, FetchError, "status 500"),
    ],
)
def test_refusals_are_told_without_secrets(
    status: int, error: type[TuneryError], told: str
) -> None:
    with serving(Site(status=status)) as site, pytest.raises(error, match=told) as caught:
        read(site)
    assert "secret" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("to", ["http://example.org/rows", "file:///etc/passwd", "ftp://a.org/x"])
def test_is_not_led_elsewhere(to: str) -> None:
    with serving(Site(to=to)) as site, pytest.raises(TuneryError) as caught:
        read(site)
    assert "secret" not in str(caught.value)


def test_follows_to_another_file_of_this_machine() -> None:
    with serving(Site()) as there, serving(Site(to=there.url)) as here:
        assert read(here) == CONTENT


def test_refuses_a_password_in_the_address() -> None:
    with (
        pytest.raises(DataError, match="a name or a password") as caught,
        open_http("https://a:b@c.org/x"),
    ):
        pass
    assert "a:b" not in str(caught.value)


def test_an_address_that_does_not_answer_is_told() -> None:
    with serving(Site()) as site:
        url = site.url
    with pytest.raises(FetchError, match="Connection refused"), open_http(url):
        pass
